import type { ArgumentText, Manual, OptionText } from './help.ts'

/** The commands with their options and texts. docs/command-line.md and docs/exit-codes.md say the same at more length. */

/** The limits that the texts name; a test compares them with those of the parser. */
const SHARDS = '1 to 64'
const RETRIES = '0 to 10'

const EXIT_CODES = [
  { code: '0', text: 'all passed' },
  { code: '1', text: 'a test failed' },
  { code: '2', text: 'the command line or the config is wrong, or there is nothing to run' },
  { code: '3', text: 'infrastructure: Redis or the engine was not fit, or went away' },
  { code: '4', text: "the tier's deadline struck" },
  { code: '5', text: 'incomplete: something that was planned has no result' },
  { code: '130', text: 'interrupted by SIGINT; 143: by SIGTERM or SIGHUP' },
]

const REDIS_CODES = [
  { code: '0', text: 'done' },
  { code: '2', text: 'the command line or the config is wrong, or what was asked for cannot be granted' },
  { code: '3', text: 'the server does not answer, or is not fit' },
]

const REDIS_URL = { name: 'REDIS_URL', text: "The server to use when the source is 'auto'." }

const FILES: ArgumentText = {
  flags: '[FILES...]',
  text: 'Paths, parts of paths, or globs; without any, every file of the tier.',
}

const CONFIG: OptionText = {
  flags: '--config <FILE>',
  text: 'The config file. Without it, tiershard.config.ts (.mts, .js, .mjs) in the working directory, if any.',
  group: 'Project',
}

const REPORTS: OptionText = {
  flags: '--reports <DIR>',
  text: 'The folder that holds the runs and their history.',
  group: 'Project',
}

const REDIS: OptionText = {
  flags: '--redis <SOURCE>',
  text: "Where Redis comes from: 'auto', 'route', 'loadbalancer', 'nodeport', 'port-forward', 'local', 'embedded' or a URL: redis://host:6379, rediss://host:6379, unix:///path/of/socket or redis+sentinel://host:26379,host2:26379/master-name.",
  group: 'How to run',
}

const TEST_NAME: OptionText = {
  flags: '-t, --test-name <REGEX>',
  text: "Only tests whose full name matches, such as 'gateway > answers 503'. Names of nested suites are joined with ' > '.",
  group: 'Selection',
}

const SELECTION: readonly OptionText[] = [
  {
    flags: '--tier <TIER,...>',
    text: 'The tiers to run, separated by commas. Needed when more than one tier has suites.',
    group: 'Selection',
  },
  {
    flags: '--changed [REF]',
    text: 'Only files that are affected by changes since REF, found by their imports; without REF, by uncommitted changes. Write --changed=REF when FILES follow.',
    group: 'Selection',
  },
  { flags: '--shards <N>', text: `How many files run at once, ${SHARDS}.`, group: 'How to run' },
  { flags: '--deadline <TIME>', text: 'Wall time for each tier, such as 90s or 15m.', group: 'How to run' },
]

function json(text: string): OptionText {
  return { flags: '--json', text, group: 'Output' }
}

const run: Manual = {
  name: 'tiershard run',
  summary: 'run the tests of one or more tiers',
  synopsis: ['tiershard run [--tier TIER,...] [options] [FILES...]'],
  description: [
    'Plans, finds Redis if a suite needs it, leases a database for each shard, runs the files longest first, and writes reports/<run>/ with journal.ndjson, junit.xml, summary.json and summary.md. reports/latest points at the newest run.',
    'Ctrl-C once ends the run and reports what is known; a second time ends at once.',
  ],
  arguments: [FILES],
  options: [
    ...SELECTION,
    TEST_NAME,
    REDIS,
    {
      flags: '--retries <N>',
      text: `How often a failed file is tried again, in a fresh process and a flushed database, ${RETRIES}.`,
      group: 'How to run',
    },
    { flags: '--dry-run', text: 'Print the plan and end, as `tiershard plan` does.', group: 'How to run' },
    CONFIG,
    REPORTS,
    json('Print the summary as JSON on stdout, and everything else on stderr.'),
  ],
  exitCodes: [...EXIT_CODES, { code: '', text: 'The first that applies of 130/143, 2, 3, 4, 1, 5, 0.' }],
  environment: [
    REDIS_URL,
    { name: 'GITHUB_STEP_SUMMARY', text: 'A file to which the summary is appended as markdown.' },
    { name: 'NO_COLOR, FORCE_COLOR', text: 'No colours, or colours although the output is no terminal.' },
    { name: 'CI', text: 'Plain lines instead of the live view, on a terminal too.' },
  ],
  examples: [
    { line: 'tiershard run --tier fast', text: 'The tests that belong to every commit:' },
    { line: 'tiershard run --tier fast,standard --shards 4', text: 'Two tiers, four files at once:' },
    { line: 'tiershard run --tier standard --changed=main', text: 'Only what the changes since main affect:' },
    {
      line: 'tiershard run --tier standard --redis redis://127.0.0.1:6379 suites/standard/storm',
      text: 'One folder, on a server of your own:',
    },
  ],
}

const plan: Manual = {
  name: 'tiershard plan',
  summary: 'print which files would run, in which order and for how long',
  synopsis: ['tiershard plan [--tier TIER,...] [options] [FILES...]'],
  description: [
    'Finds the files without running any, orders them by what past runs say (unknown ones first, then the longest), and predicts the time against the deadline. Starts no Redis.',
  ],
  arguments: [FILES],
  options: [...SELECTION, CONFIG, REPORTS, json('Print the plan as JSON.')],
  exitCodes: [
    { code: '0', text: 'the plan is printed' },
    { code: '2', text: 'the command line or the config is wrong, or there is nothing to run' },
    { code: '3', text: 'the engine could not list the files' },
  ],
  examples: [{ line: 'tiershard plan --tier standard --shards 8', text: 'Would eight shards be faster?' }],
}

const slow: Manual = {
  name: 'tiershard slow',
  summary: 'print the slowest tests and files of a run',
  synopsis: ['tiershard slow [options] [RUN]'],
  description: [
    "Reads the journal of a run and the history, and lists the slowest tests and files with their share of the tier's time, the tests over the tier's threshold, and the files that do not fit their tier.",
  ],
  arguments: [{ flags: '[RUN]', text: 'The id of a run; without it, the newest.' }],
  options: [
    { flags: '--tier <TIER,...>', text: 'Only these tiers, separated by commas.', group: 'Selection' },
    CONFIG,
    REPORTS,
    { flags: '--top <N>', text: 'How many tests and files to list. Default: 20.', group: 'Output' },
    json('Print the analysis as JSON.'),
  ],
  exitCodes: [
    { code: '0', text: 'the analysis is printed' },
    { code: '2', text: 'the command line or the config is wrong, or there is no such run' },
  ],
  examples: [
    { line: 'tiershard slow', text: 'The newest run:' },
    { line: 'tiershard slow --tier standard --top 5', text: 'Five of each, of one tier:' },
  ],
}

const ON_A_SERVER: Pick<Manual, 'options' | 'exitCodes' | 'environment'> = {
  options: [{ ...REDIS, group: 'Server' }, CONFIG, json('Print the answer as JSON.')],
  exitCodes: REDIS_CODES,
  environment: [REDIS_URL],
}

const redis: Manual = {
  name: 'tiershard redis',
  summary: 'see and mend who holds which database',
  synopsis: ['tiershard redis COMMAND [options]'],
  description: ['Works on the leases of a running server. Starts none.'],
  exitCodes: REDIS_CODES,
  examples: [{ line: 'tiershard redis status --redis redis://127.0.0.1:6379', text: 'Who holds what:' }],
  commands: [
    {
      ...ON_A_SERVER,
      name: 'tiershard redis status',
      summary: 'list the databases with their holders',
      synopsis: ['tiershard redis status [options]'],
      description: [
        'Lists every database of the server: held (by which run, where, since when), free, or holding data that is not of a run.',
      ],
    },
    {
      ...ON_A_SERVER,
      name: 'tiershard redis adopt',
      summary: 'allow runs to flush a database that holds foreign data',
      synopsis: ['tiershard redis adopt N [options]'],
      description: [
        'Data that is not of a run is never flushed. This marks database N as one that runs may use: the next run that leases it deletes what is in it.',
      ],
      arguments: [{ flags: '<N>', text: 'The number of the database.' }],
    },
    {
      ...ON_A_SERVER,
      name: 'tiershard redis release',
      summary: 'take a database back from a run that is gone',
      synopsis: ['tiershard redis release ID [options]'],
      description: [
        'Ends a lease. A run that still holds it notices and ends the file in question as `lease lost`. Leases of dead runs end by themselves after 30 s.',
      ],
      arguments: [{ flags: '<ID>', text: 'The id of the lease, as `tiershard redis status` prints it.' }],
    },
  ],
}

export const tiershard: Manual = {
  name: 'tiershard',
  summary: 'run test suites that talk to Redis, in tiers and parallel shards',
  synopsis: ['tiershard COMMAND [options]'],
  description: [
    'Finds the suites of a tier, spreads their files over parallel shards, gives every shard a Redis database that nobody else can touch, stops on the deadline of the tier, and leaves reports that account for every planned test.',
  ],
  commands: [run, plan, slow, redis],
  exitCodes: EXIT_CODES,
  examples: [
    { line: 'tiershard run --tier standard', text: 'Run the standard tier:' },
    { line: 'tiershard run --help', text: 'Everything about a command:' },
  ],
}
