import type { ArgumentText, OptionText } from './help.ts'

/** What the manuals of several commands say alike. */

/** The limits that the texts name; a test compares them with those of the parser. */
const SHARDS = '1 to 64'
const SLICES = '1 to 1000'
export const RETRIES = '0 to 10'

export const EXIT_CODES = [
  { code: '0', text: 'all passed' },
  { code: '1', text: 'a test failed' },
  { code: '2', text: 'the command line or the config is wrong, or there is nothing to run' },
  { code: '3', text: 'infrastructure: Redis or the engine was not fit, or went away' },
  { code: '4', text: "the tier's deadline struck" },
  { code: '5', text: 'incomplete: something that was planned has no result' },
  { code: '130', text: 'interrupted by SIGINT; 143: by SIGTERM or SIGHUP' },
]

export const REDIS_CODES = [
  { code: '0', text: 'done' },
  { code: '2', text: 'the command line or the config is wrong, or what was asked for cannot be granted' },
  { code: '3', text: 'the server does not answer, or is not fit' },
]

export const REDIS_URL = { name: 'REDIS_URL', text: "The server to use when the source is 'auto'." }

/** Of the commands that write reports. */
export const ON_GITHUB = [
  { name: 'GITHUB_STEP_SUMMARY', text: 'A file to which the summary is appended as markdown.' },
  { name: 'GITHUB_ACTIONS', text: 'Failures and flaky tests are also printed as annotations, ten of a kind.' },
]

export const FILES: ArgumentText = {
  flags: '[FILES...]',
  text: 'Paths, parts of paths, or globs; without any, every file of the tier.',
}

export const CONFIG: OptionText = {
  flags: '--config <FILE>',
  text: 'The config file. Without it, tiershard.config.ts (.mts, .js, .mjs) in the working directory, if any.',
  group: 'Project',
}

export const REPORTS: OptionText = {
  flags: '--reports <DIR>',
  text: 'The folder that holds the runs and their history.',
  group: 'Project',
}

export const REDIS: OptionText = {
  flags: '--redis <SOURCE>',
  text: "Where Redis comes from: 'auto', 'route', 'loadbalancer', 'nodeport', 'port-forward', 'local', 'embedded' or a URL: redis://host:6379, rediss://host:6379, unix:///path/of/socket or redis+sentinel://host:26379,host2:26379/master-name (rediss+sentinel:// with TLS).",
  group: 'How to run',
}

export const TEST_NAME: OptionText = {
  flags: '-t, --test-name <REGEX>',
  text: "Only tests whose full name matches, such as 'gateway > answers 503'. Names of nested suites are joined with ' > '. Commands get it where their run takes {testName}.",
  group: 'Selection',
}

export const SELECTION: readonly OptionText[] = [
  {
    flags: '--tier <TIER,...>',
    text: 'The tiers to run, separated by commas. Needed when more than one tier has suites.',
    group: 'Selection',
  },
  {
    flags: '--changed [REF]',
    text: 'Only files that are affected by changes since REF, found by their imports; without REF, by uncommitted changes. Suites of commands run whole when anything has changed. Write --changed=REF when FILES follow.',
    group: 'Selection',
  },
  {
    flags: '--slice <I/N>',
    text: `Only the I-th of N slices of the files (N from ${SLICES}), for one node of a CI matrix. Slices are cut by history, so every node needs the same history.json; \`tiershard report\` puts the nodes' runs together.`,
    group: 'Selection',
  },
  { flags: '--shards <N>', text: `How many files run at once, ${SHARDS}.`, group: 'How to run' },
  { flags: '--deadline <TIME>', text: 'Wall time for each tier, such as 90s or 15m.', group: 'How to run' },
]

export function json(text: string): OptionText {
  return { flags: '--json', text, group: 'Output' }
}
