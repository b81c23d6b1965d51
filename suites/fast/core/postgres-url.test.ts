import { expect, test } from 'vitest'
import { readPostgresUrl } from '../../../src/core/postgres-url.ts'
import { hideSecrets, secretForms } from '../../../src/core/secrets.ts'
import { addressOf, urlTo, valuesOf } from '../../../src/services/postgres/client.ts'
import fc from '../../support/property.ts'

/** Every byte of a text, escaped or not, as its writer liked it. */
function escapedBy(text: string, choices: readonly number[]): string {
  const bytes = Array.from(Buffer.from(text), (byte, at) => {
    const choice = choices[at % choices.length]!
    const sign = String.fromCharCode(byte)
    if (choice === 0 && /[\w.~-]/.test(sign)) return sign
    const escape = `%${byte.toString(16).padStart(2, '0')}`
    return choice === 1 ? escape.toUpperCase() : escape
  })
  return bytes.join('')
}

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
const choices = fc.array(fc.nat(2), { minLength: 1, maxLength: 20 })

test('a URL means the same and is written in one way, however its password was escaped', () => {
  fc.assert(
    fc.property(text, text, choices, fc.boolean(), (user, password, how, asParameter) => {
      const written = escapedBy(password, how)
      const given = asParameter
        ? `postgres://${escapedBy(user, how)}@db.example:6000/shop?password=${written}&options=-c%20x`
        : `postgres://${escapedBy(user, how)}:${written}@db.example:6000/shop?options=-c%20x`
      const read = readPostgresUrl(given)!
      expect(read.secrets).toEqual(expect.arrayContaining([password, written]))
      expect(valuesOf(read.url)).toMatchObject({ user, password, host: 'db.example', port: '6000', database: 'shop' })
      expect(read.url).toBe(
        `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@db.example:6000/shop?options=-c%20x`,
      )
      expect(readPostgresUrl(read.url)!.url).toBe(read.url)
    }),
  )
})

test('no form of the password is left in what is shown', () => {
  const password = "s'word/fish (9)"
  for (const written of ["s'word%2Ffish%20(9)", 's%27word%2ffish%20%289%29', '%73%27%77ord%2Ffish (9)']) {
    const { url, secrets } = readPostgresUrl(`postgres://u:${written}@db.example/shop`)!
    const said = [`postgres://u:${written}@db.example/shop`, url, password, JSON.stringify({ password, url })]
    const shown = hideSecrets(said.join('\n'), secrets.flatMap(secretForms))
    expect(shown.match(/\*\*\*/g)).toHaveLength(5)
    expect(shown).not.toMatch(/fish/)
  }
})

test('a secret is found in URLs with more or fewer escapes, and in JSON', () => {
  const forms = secretForms('a"b!c/defgh')
  expect(forms).toEqual(
    expect.arrayContaining(['a"b!c/defgh', 'a%22b!c%2Fdefgh', 'a%22b%21c%2Fdefgh', 'a%22b!c%2fdefgh', 'a\\"b!c/defgh']),
  )
  expect(secretForms('plain-secret')).toEqual(['plain-secret'])
})

test('hosts', () => {
  const at = (url: string) => {
    const read = readPostgresUrl(url)!.url
    const { host, port } = valuesOf(urlTo(read, 'other'))
    return [host, port, addressOf(read)]
  }
  expect(at('postgres://u:p@[::1]/shop')).toEqual(['::1', '5432', '[::1]:5432'])
  expect(at('postgresql://[fe80::1]:6000')).toEqual(['fe80::1', '6000', '[fe80::1]:6000'])
  expect(at('postgres://%2Frun%2Fpg/shop')).toEqual(['/run/pg', '5432', '/run/pg:5432'])
  expect(at('postgres:///shop?host=/run/pg&user=u&password=p')).toEqual(['/run/pg', '5432', '/run/pg:5432'])
  expect(valuesOf(readPostgresUrl('postgres:///shop?host=/run/pg&user=u&password=p')!.url)).toMatchObject({
    user: 'u',
    password: 'p',
  })
})

test('what is no URL of a Postgres', () => {
  const none = ['', 'shop', 'mysql://h/shop', 'postgres://', 'postgres:///shop', 'postgres://u:100%@h/shop']
  const more = ['postgres://u:%zz@h/shop', 'postgres://u:p@h/%E0%A4%A', 'postgres://u:%ff@h/shop', 'postgres://h:x/']
  expect([...none, ...more].filter((one) => readPostgresUrl(one) !== null)).toEqual([])
})
