import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'

/** The page's own files, not compiled and not copied: this path is right from src/ and from dist/. */
const FOLDER = new URL('../../../src/reports/html/page/', import.meta.url)

/** The parts of the page's script, each after the parts that it imports. */
const PARTS = [
  'theme',
  'words',
  'dom',
  'data',
  'search',
  'details',
  'panel',
  'lanes-paint',
  'lanes-text',
  'lanes-redis',
  'lanes',
  'list',
  'nodes',
  'sections',
  'left',
  'spark',
  'trends',
  'slow',
  'flaky',
  'known',
  'frame',
  'main',
]

export interface PageCode {
  readonly script: string
  readonly style: string
  /** Allows this script and this style and nothing else: no network, no frame, no form. */
  readonly policy: string
}

/** Reads the page's script and style, ready to stand in one HTML file. */
export async function pageCode(): Promise<PageCode> {
  const [style, ...parts] = await Promise.all([
    readFile(new URL('report.css', FOLDER), 'utf8'),
    ...PARTS.map((part) => readFile(new URL(`${part}.js`, FOLDER), 'utf8')),
  ])
  const script = `'use strict';(async () => {\n${parts.map(asPart).join('\n')}})()\n`
  const policy = [
    "default-src 'none'",
    `script-src '${digest(script)}'`,
    `style-src '${digest(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  return { script, style, policy }
}

/** A module as a part of one script: its imports are the parts before it, and names are unique among all parts. */
function asPart(source: string): string {
  return source.replaceAll(/^import [^;]*? from '\.\/[\w-]+\.js'$/gmu, '').replaceAll(/^export /gmu, '')
}

function digest(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
