import { createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { deflate } from 'node:zlib'
import type { RunRecord } from '../../core/record.ts'
import { distinctCauses } from '../causes.ts'
import { printable } from '../format.ts'
import type { SlowReport } from '../slow.ts'
import { verdictOf, verdictSentence } from '../words.ts'
import { pageHead, printableCause } from './head.ts'
import { pageCode } from './page.ts'
import { pageTests } from './tests.ts'

/**
 * Writes report.html: the whole run in one file that opens from disk, asks the network for nothing, and runs no script
 * but its own. The verdict and its causes stand in it as plain HTML, everything else as data for the page's script.
 * Rejects when the file cannot be written.
 */
export async function writeHtml(record: RunRecord, slow: SlowReport, file: string): Promise<void> {
  await pipeline(Readable.from(htmlReport(record, slow)), createWriteStream(file))
}

/** The same in pieces. */
export async function* htmlReport(record: RunRecord, slow: SlowReport): AsyncGenerator<string> {
  const { script, style, policy } = await pageCode()
  const sentence = printable(verdictSentence(record))
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${html(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${html(sentence)}</title>
<style>${style}</style>
</head>
<body>
${verdictHtml(record, sentence)}
<div id="app"></div>
<noscript><p class="noscript">Everything below the verdict needs JavaScript. summary.md beside this file does not.</p></noscript>
`
  yield await data('head', pageHead(record, slow))
  for (const piece of pageTests(record)) yield await data('tests', piece)
  yield `<script>${script}</script>
</body>
</html>
`
}

/** What must be readable whatever else fails: the verdict and what to do about the infrastructure. */
function verdictHtml(record: RunRecord, sentence: string): string {
  const word = verdictOf(record)
  const rest = sentence.startsWith(`${word}: `) ? sentence.slice(word.length + 2) : sentence
  const causes = distinctCauses(record)
    .map(printableCause)
    .map(
      ({ code, message, remedy }) =>
        `<li><code>${html(code)}</code> <strong>${html(message)}</strong><p>What to do: ${html(remedy)}</p></li>`,
    )
  return [
    `<header id="verdict" data-verdict="${word}">`,
    `<h1><span class="seal">${word}</span> <span class="sentence">${html(rest)}</span></h1>`,
    ...(causes.length > 0 ? [`<ul class="causes" aria-label="Causes">${causes.join('\n')}</ul>`] : []),
    '</header>',
  ].join('\n')
}

const deflated = promisify(deflate)

/** Deflated and in base64, which holds no `<`: nothing in the data can end its element. */
async function data(kind: string, value: unknown): Promise<string> {
  const bytes = await deflated(JSON.stringify(value), { level: 9 })
  return `<script type="application/octet-stream" data-holds="${kind}">${bytes.toString('base64')}</script>\n`
}

function html(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
