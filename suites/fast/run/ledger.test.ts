import fc from '../../support/property.ts'
import { expect, test } from 'vitest'
import type { Stamped } from '../../../src/core/events.ts'
import { openLedger } from '../../../src/run/ledger.ts'

function ledger() {
  const lines: string[] = []
  const seen: Stamped[] = []
  const opened = openLedger({ append: (line) => lines.push(line), close() {} }, [(event) => seen.push(event)], () => 7)
  return { ...opened, opened, lines, seen }
}

test('an event is stamped, written as one line, folded and shown', () => {
  const { opened, lines, seen } = ledger()
  opened.emit({ type: 'notice', level: 'info', code: 'c', message: 'two\nlines' })
  expect(lines).toEqual(['{"at":7,"type":"notice","level":"info","code":"c","message":"two\\nlines"}'])
  expect(seen).toEqual([{ at: 7, type: 'notice', level: 'info', code: 'c', message: 'two\nlines' }])
  expect(opened.record.notices).toHaveLength(1)
})

test('a password appears neither in the journal nor in the record, whatever it holds', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 8, unit: 'binary' }), fc.string(), fc.string(), (password, before, after) => {
      const { opened, lines, record } = ledger()
      opened.conceal(password)
      opened.emit({ type: 'notice', level: 'info', code: 'c', message: `x${before}${password}${after}` })
      expect(record.notices[0]!.message).not.toContain(password)
      expect((JSON.parse(lines[0]!) as { message: string }).message).not.toContain(password)
    }),
  )
})

test('a short password is hidden in URLs only', () => {
  const { opened, record } = ledger()
  opened.conceal('test')
  opened.emit({ type: 'notice', level: 'info', code: 'c', message: 'a test of redis://u:test@h/1' })
  expect(record.notices[0]!.message).toBe('a test of redis://u:***@h/1')
})
