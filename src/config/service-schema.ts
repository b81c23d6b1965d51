import * as v from 'valibot'
import { choice, didYouMean, duration, leaf, RESERVED_KEYS } from './leaves.ts'
import { readPostgresUrl } from '../core/postgres-url.ts'
import { fillIn, placeholdersIn } from '../core/placeholders.ts'
import { splitCommand } from './command.ts'

/** The schema of `services`. What its parts have to do with each other is looked at in services.ts. */

export const anyText = leaf<string>(
  'a text',
  (input) => typeof input === 'string',
  (input) => (typeof input === 'number' || typeof input === 'boolean' ? `write it as a text: '${input}'` : null),
)

export const serviceName = leaf<string>(
  'a name for the service: letters, digits, - and _, starting with a letter',
  (input) => typeof input === 'string' && /^[A-Za-z][\w-]*$/.test(input) && !RESERVED_KEYS.has(input),
)

const command = leaf<string | readonly string[]>(
  'a program and its arguments, as one text or as a list of texts',
  (input) => {
    const words = typeof input === 'string' ? splitCommand(input) : input
    return (
      Array.isArray(words) && words.length > 0 && words.every((word) => typeof word === 'string') && words[0] !== ''
    )
  },
  (input) => {
    const special = typeof input === 'string' && input.trim() !== '' ? splitCommand(input) : []
    return typeof special === 'string' ? `${special} needs a shell: ['sh', '-c', '...']` : null
  },
)

/** A file below the private folder of a service. */
const privateFile = leaf<string>(
  'a path below the private folder of the service, such as config/app.json',
  (input) =>
    typeof input === 'string' &&
    /^[\w.-]+(\/[\w.-]+)*$/.test(input) &&
    !input.split('/').some((part) => /^\.+$/.test(part)),
)

const secretName = leaf<string>(
  'a name for the secret: letters, digits, - and _',
  (input) => typeof input === 'string' && /^[A-Za-z][\w-]*$/.test(input) && !RESERVED_KEYS.has(input),
)

const variableName = leaf<string>(
  'the name of an environment variable',
  (input) => typeof input === 'string' && /^[A-Za-z_]\w*$/.test(input),
)

const ready = v.object(
  {
    http: v.optional(
      leaf<string>(
        "a path such as '/health', or a URL that begins with http:// or https://",
        (input) => typeof input === 'string' && /^(\/|https?:\/\/)/.test(input) && isAddress(input),
      ),
    ),
    tcp: v.optional(leaf<true>('true', (input) => input === true)),
    log: v.optional(
      leaf<string | RegExp>(
        'a text or a pattern that a line of its output holds',
        (input) => input instanceof RegExp || (typeof input === 'string' && input !== ''),
      ),
    ),
    command: v.optional(command),
    within: v.optional(duration(1)),
  },
  'an object with one of http, tcp, log, command',
)

/** Whether it is a URL as soon as its placeholders are filled in: a number may stand for host and port. */
function isAddress(text: string): boolean {
  const names = Object.fromEntries(placeholdersIn(text).map((name) => [name, '1']))
  return URL.canParse(fillIn(text, names), 'http://127.0.0.1:1')
}

const commandService = v.object({
  kind: v.literal('command'),
  command,
  cwd: v.optional(leaf<string>('the path of a folder', (input) => typeof input === 'string' && input.trim() !== '')),
  env: v.optional(v.record(variableName, anyText, 'an object of environment variables')),
  files: v.optional(v.record(privateFile, anyText, 'an object of contents by path')),
  secrets: v.optional(v.record(secretName, variableName, 'an object of names of environment variables')),
  needs: v.optional(v.array(anyText, 'a list of services')),
  port: v.optional(
    leaf<number | 'free'>(
      "'free', or a number from 1 to 65535",
      (input) => input === 'free' || (Number.isInteger(input) && (input as number) >= 1 && (input as number) <= 65_535),
    ),
  ),
  ready: v.optional(ready),
  per: v.optional(choice(['run', 'shard', 'file'])),
})

/** A URL that is one without its %. */
function isBadlyEscaped(input: unknown): boolean {
  return typeof input === 'string' && input.includes('%') && readPostgresUrl(input.replaceAll('%', '%25')) !== null
}

const postgresService = v.object({
  kind: v.literal('postgres'),
  source: leaf<string>(
    "'local', 'url' (POSTGRES_URL or DATABASE_URL), or a URL: postgres://host:5432/postgres",
    (input) => input === 'local' || input === 'url' || (typeof input === 'string' && readPostgresUrl(input) !== null),
    (input) =>
      isBadlyEscaped(input)
        ? 'a % that is part of a name or password is written %25'
        : didYouMean(input, ['local', 'url']),
  ),
  setup: v.optional(
    v.object(
      {
        sql: v.optional(
          leaf<string | readonly string[]>('the path of a file, or a list of paths', (input) =>
            [input].flat().every((one) => typeof one === 'string' && one.trim() !== ''),
          ),
        ),
        command: v.optional(command),
        within: v.optional(duration(1)),
      },
      'an object with sql and command',
    ),
  ),
  per: v.optional(choice(['shard', 'file'])),
})

export const service = v.variant(
  'kind',
  [commandService, postgresService],
  "an object with kind: 'command' or 'postgres'",
)

export type ParsedService = v.InferOutput<typeof service>
