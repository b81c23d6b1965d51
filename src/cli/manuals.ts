import type { Manual } from './help.ts'
import {
  CONFIG,
  EXIT_CODES,
  FILES,
  ON_GITHUB,
  REDIS,
  REDIS_CODES,
  REDIS_URL,
  REPORTS,
  RETRIES,
  SELECTION,
  TEST_NAME,
  json,
} from './manual-texts.ts'

/** The commands with their options and texts. docs/command-line.md and docs/exit-codes.md say the same at more length. */

const run: Manual = {
  name: 'tiershard run',
  summary: 'run the tests of one or more tiers',
  synopsis: ['tiershard run [--tier TIER,...] [options] [FILES...]'],
  description: [
    'Plans, finds Redis if a suite needs it, leases a database for each shard, runs the files longest first, and writes reports/<run>/ with report.html, journal.ndjson, junit.xml, summary.json, summary.md, ctrf.json, trace.json (opens in Perfetto) and metrics.prom. reports/latest points at the newest run.',
    'Ctrl-C once ends the run and reports what is known; a second time ends at once.',
  ],
  arguments: [FILES],
  options: [
    ...SELECTION,
    TEST_NAME,
    REDIS,
    {
      flags: '--isolation <KIND>',
      text: "What a shard of a suite with Redis gets: 'db', a database that it alone holds, or 'server', a server of its own, a fresh one for every file.",
      group: 'How to run',
    },
    {
      flags: '--retries <N>',
      text: `How often a failed file is tried again, in a fresh process and a flushed database, ${RETRIES}.`,
      group: 'How to run',
    },
    {
      flags: '--resume <RUN>',
      text: 'Go on with an earlier run: its files that failed, were lost or never ran, and new ones; the rest of its results stay. The verdict is on both together.',
      group: 'Selection',
    },
    {
      flags: '--rerun-failed [RUN]',
      text: 'The same; without RUN, for the newest run.',
      group: 'Selection',
    },
    {
      flags: '--fail-fast [N]',
      text: 'End the run as soon as N tests (1 without a number) have failed for good: running files are ended, nothing new starts. Write --fail-fast=N when FILES follow.',
      group: 'How to run',
    },
    {
      flags: '--repeat <N>',
      text: 'Run every file N times, on all shards at once, each time in a fresh process and a flushed database, and print how often it failed. No retries.',
      group: 'How to run',
    },
    {
      flags: '--until-failure',
      text: 'Repeat every file until it fails; at most N times with --repeat, else as long as the deadline allows.',
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
    ...ON_GITHUB,
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
    { line: 'tiershard run --rerun-failed', text: 'What the newest run left undone:' },
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
  summary: 'print where the time of a run went, and what became slower or flaky',
  synopsis: ['tiershard slow [options] [RUN]'],
  description: [
    "Reads the journal of a run and the history, and lists the slowest tests and files with their share of the tier's time, the tests over the tier's threshold, and the files that do not fit their tier.",
    'With enough past runs on machines of the same class it also lists the tests that became slower (for five runs: regressed, for three: suspect), those that are usually over the threshold, and the flaky ones. Nothing of it makes a run fail.',
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

const merge: Manual = {
  name: 'tiershard merge',
  summary: 'merge JUnit reports of any runners into one',
  synopsis: ['tiershard merge -o FILE [options] JUNIT...'],
  description: [
    'Reads JUnit reports of any dialect and size and writes one: suites inside of suites one after the other, names unique, totals counted anew. Retries, properties and output are kept.',
    'A damaged report is recovered as far as it goes and has a case of its own in the result, with an error that says what is wrong; so has one that is missing. Suites that hold other totals than they declare are named.',
  ],
  arguments: [
    {
      flags: '<JUNIT...>',
      text: "Files, folders (every .xml in them), globs, or '-' for stdin. Files in a folder that are not JUnit are left alone.",
    },
  ],
  options: [
    { flags: '-o, --output <FILE>', text: 'The merged report. Needed.', group: 'Output' },
    {
      flags: '--split-size <SIZE>',
      text: 'The most that one file may have, such as 30MB; what does not fit goes to FILE-2, FILE-3 and so on.',
      group: 'Output',
    },
    {
      flags: '--allow-partial',
      text: 'End with 0 although something was damaged or missing. The report says so all the same.',
      group: 'Output',
    },
    json('Print what was found in each input as JSON.'),
  ],
  exitCodes: [
    { code: '0', text: 'everything was read, whatever the verdicts in it' },
    { code: '2', text: 'the command line is wrong' },
    { code: '3', text: 'the merged report could not be written' },
    { code: '5', text: 'something was damaged or missing' },
  ],
  examples: [
    { line: 'tiershard merge -o merged.xml node-1 node-2', text: 'What the nodes of a matrix left:' },
    {
      line: "tiershard merge -o merged.xml --split-size 30MB 'out/**/*.xml'",
      text: 'For GitLab, which reads 30 MB a file:',
    },
  ],
}

const report: Manual = {
  name: 'tiershard report',
  summary: 'make the reports of a run again from its journal, or one report of several runs',
  synopsis: ['tiershard report [options] [RUN...]'],
  description: [
    'Writes the reports of a run (all that `tiershard run` writes) into its folder, whatever became of it: a run that was killed gets the reports that it would have written, with what is missing marked. A run that continues another is reported together with it, whether or not both are named.',
    "Of several runs, such as those of the nodes of a CI matrix, it makes one report: every file once, every node's shards apart, the verdict on all of them. Slices that are missing, were given twice or were cut from another plan, and files that two runs have, are named, and the report is incomplete. The timings of all runs are added to the history.",
  ],
  arguments: [
    {
      flags: '[RUN...]',
      text: 'Ids of runs, their folders, or folders that hold the folders of runs; without any, the newest run.',
    },
  ],
  options: [
    {
      flags: '-o, --output <DIR>',
      text: 'Where the report goes. Default: the folder of the run; of several runs, a folder of its own beside them in the reports folder. With it, one slice of a matrix is reported as a matrix in which the other slices are missing, so that a CI job need not know how many there are.',
      group: 'Output',
    },
    CONFIG,
    REPORTS,
    json('Print the summary as JSON on stdout, and everything else on stderr.'),
  ],
  exitCodes: [
    ...EXIT_CODES.filter(({ code }) => code !== '2' && code !== '5'),
    { code: '2', text: 'the command line or the config is wrong, there is no such run, or it is still going on' },
    {
      code: '5',
      text: 'incomplete: a run was killed, something that was planned has no result, or runs are missing or do not fit together',
    },
  ],
  environment: ON_GITHUB,
  examples: [
    { line: 'tiershard report', text: 'The newest run:' },
    { line: 'tiershard report 20261120-055301042-ab12cd', text: 'A run of its own:' },
    { line: 'tiershard report -o report nodes/*/', text: 'What the nodes of a matrix have uploaded:' },
  ],
}

const ON_A_SERVER: Pick<Manual, 'options' | 'exitCodes' | 'environment'> = {
  options: [{ ...REDIS, group: 'Server' }, CONFIG, json('Print the answer as JSON.')],
  exitCodes: REDIS_CODES,
  environment: [REDIS_URL],
}

const history: Manual = {
  name: 'tiershard history',
  summary: 'work on the timings of past runs',
  synopsis: ['tiershard history COMMAND [options]'],
  description: ['Every run adds its timings to history.json in the reports folder.'],
  exitCodes: [
    { code: '0', text: 'done' },
    { code: '2', text: 'the command line or the config is wrong, or a file cannot be read or written' },
  ],
  commands: [
    {
      name: 'tiershard history merge',
      summary: 'add the histories of other machines to this one',
      synopsis: ['tiershard history merge [options] FILES...'],
      description: [
        'Adds the history.json of other nodes of a CI matrix to the one of this project. Merging the same files again changes nothing, and neither does their order. When one of them cannot be read, nothing is written.',
      ],
      arguments: [{ flags: '<FILES...>', text: 'Files that runs wrote as history.json.' }],
      options: [
        {
          flags: '-o, --output <FILE>',
          text: "The history to add to, which need not exist. Default: the project's own.",
          group: 'Output',
        },
        CONFIG,
        REPORTS,
      ],
      exitCodes: [
        { code: '0', text: 'everything is merged' },
        { code: '2', text: 'the command line or the config is wrong, or a file cannot be read or written' },
      ],
      examples: [
        { line: 'tiershard history merge nodes/*/history.json', text: 'After the nodes have uploaded theirs:' },
      ],
    },
  ],
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

const doctor: Manual = {
  name: 'tiershard doctor',
  summary: 'check whether a Redis is fit for a run',
  synopsis: ['tiershard doctor [options]'],
  description: [
    'Examines the Redis that a run would use: a real write, its role and replicas, databases, memory, connections, persistence and latency. Every finding comes with what to do; docs/causes.md has more on each. Every run makes the same checks before its first test.',
    'Writes one key with a random name and deletes it. A local or embedded server is started for the checks and stopped again.',
  ],
  options: [REDIS, CONFIG, json('Print the findings as JSON.')],
  exitCodes: [
    { code: '0', text: 'fit for a run; there may be warnings' },
    { code: '2', text: 'the command line or the config is wrong' },
    { code: '3', text: 'not fit: a run could not succeed' },
  ],
  environment: [REDIS_URL],
  examples: [{ line: 'tiershard doctor --redis redis://127.0.0.1:6379', text: 'Is this server fit?' }],
}

const init: Manual = {
  name: 'tiershard init',
  summary: 'write a config, a first suite and a workflow into a project',
  synopsis: ['tiershard init [options]'],
  description: [
    'Looks for test files, and writes a tiershard.config.ts (.mjs without TypeScript) that puts them into tiers: those that mention Redis get a database, the others none. Files of node:test, Playwright, jest or mocha get the command that runs them. Without any test it writes a first suite. Adds a workflow for GitHub Actions, and a line for the reports to .gitignore.',
    'Changes no file that is there, but for that line, and prints what to do next. Where there is a config it writes neither a suite nor a workflow. The tiers are a guess from the names of the folders: read the config.',
  ],
  options: [
    { flags: '--no-ci', text: 'Write no workflow.', group: 'What to write' },
    { flags: '--dry-run', text: 'Print the files and write nothing.', group: 'What to write' },
  ],
  exitCodes: [
    { code: '0', text: 'done' },
    { code: '2', text: 'this is no project, or a file cannot be written' },
  ],
  examples: [{ line: 'tiershard init --dry-run', text: 'What would it write?' }],
}

export const tiershard: Manual = {
  name: 'tiershard',
  summary: 'run test suites that talk to Redis, in tiers and parallel shards',
  synopsis: ['tiershard COMMAND [options]'],
  description: [
    'Finds the suites of a tier, spreads their files over parallel shards, gives every shard a Redis database that nobody else can touch, stops on the deadline of the tier, and leaves reports that account for every planned test.',
  ],
  commands: [init, run, plan, report, slow, history, merge, doctor, redis],
  exitCodes: EXIT_CODES,
  examples: [
    { line: 'tiershard run --tier standard', text: 'Run the standard tier:' },
    { line: 'tiershard run --help', text: 'Everything about a command:' },
  ],
}
