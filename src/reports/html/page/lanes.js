import { announce, h, section } from './dom.js'
import {
  drawAxis,
  drawBlock,
  drawLaneNames,
  drawMarks,
  drawTail,
  fitted,
  inks,
  LEFT,
  line,
  makePatterns,
  RIGHT,
  TOP,
} from './lanes-paint.js'
import { duration, MARKS, percent, plural } from './words.js'

/** @typedef {import('./data.js').Report} Report */
/** @typedef {{ file: number, attempt: number, lane: number, from: number, ms: number }} Block one attempt at one file */
/** @typedef {{ from: number, to: number }} View ms of the run */
/** @typedef {import('./lanes-paint.js').Inks} Inks */

const AXIS = 22
const GAP = 3

/**
 * The shards over time on one canvas: what ran where, how it ended, start-up, retries, idle gaps, the tail and the floor.
 *
 * @param {Report} report
 * @param {(place: import('./details.js').Place) => void} onOpen
 */
export function lanesSection(report, onOpen) {
  const blocks = blocksOf(report)
  if (blocks.length === 0) return { element: null, draw: () => {} }
  const lanes = Math.max(...blocks.map(({ lane }) => lane), ...report.head.tiers.map(({ shards }) => shards - 1)) + 1
  const whole = { from: 0, to: Math.max(1, ...blocks.map(({ from, ms }) => from + ms)) }
  const height = Math.max(5, Math.min(26, Math.floor(560 / lanes)))
  /** @type {View} */
  let view = { ...whole }
  let selected = -1
  /** @type {{ x: number, to: number } | null} */
  let drag = null

  const canvas = h('canvas', {
    id: 'lanes-canvas',
    tabindex: 0,
    role: 'img',
    'aria-label': `Shards over time: ${report.head.tiers.map((tier) => paceText(report, tier)).join(' ')} Arrow keys step through the files, Enter opens one. The same as a table follows.`,
    onkeydown: onKey,
    onpointerdown: onDown,
    onpointermove: onMove,
    onpointerup: onUp,
    onpointerleave: () => (tip.hidden = true),
    ondblclick: () => zoom(whole),
    onblur: () => ((selected = -1), draw()),
  })
  canvas.style.height = `${TOP + lanes * height + AXIS}px`
  const tip = h('div', { class: 'tip', hidden: true, 'aria-hidden': 'true' })

  const element = section(
    'lanes',
    'Time',
    `${plural(lanes, 'shard')}, ${plural(blocks.length, 'attempt')}`,
    ...report.head.tiers.map((tier) => (tier.pace ? h('p', { class: 'pace' }, paceText(report, tier)) : null)),
    h(
      'div',
      { class: 'lanes-bar' },
      legend(blocks.map(({ file, attempt }) => report.file(file).attempts[attempt]?.mark ?? 'n')),
      h(
        'span',
        { class: 'zoom', role: 'group', 'aria-label': 'Zoom' },
        h('button', { type: 'button', 'aria-label': 'Zoom in', onclick: () => scale(0.5) }, '+'),
        h('button', { type: 'button', 'aria-label': 'Zoom out', onclick: () => scale(2) }, '−'),
        h('button', { type: 'button', onclick: () => zoom(whole) }, 'Whole run'),
      ),
    ),
    h('div', { class: 'canvas' }, canvas, tip),
    laneTable(report),
  )
  new ResizeObserver(draw).observe(canvas)

  /** @param {View} next */
  function zoom(next) {
    const span = Math.max(10, Math.min(next.to - next.from, whole.to))
    const from = Math.max(0, Math.min(next.from, whole.to - span))
    view = { from, to: from + span }
    draw()
  }

  /** @param {number} factor */
  function scale(factor) {
    const middle = (view.from + view.to) / 2
    const half = ((view.to - view.from) / 2) * factor
    zoom({ from: middle - half, to: middle + half })
  }

  /** @param {number} x @returns {number} */
  function timeAt(x) {
    const width = canvas.clientWidth - LEFT - RIGHT
    return view.from + ((x - LEFT) / width) * (view.to - view.from)
  }

  function draw() {
    const width = canvas.clientWidth
    if (width < LEFT + RIGHT + 20) return
    const ratio = window.devicePixelRatio || 1
    canvas.width = width * ratio
    canvas.height = canvas.clientHeight * ratio
    const context = canvas.getContext('2d')
    if (!context) return
    context.scale(ratio, ratio)
    paint(context, width)
  }

  /** @param {CanvasRenderingContext2D} context @param {number} width */
  function paint(context, width) {
    const ink = inks(canvas)
    const right = width - RIGHT
    const bottom = TOP + lanes * height
    const x = (/** @type {number} */ ms) => LEFT + ((ms - view.from) / (view.to - view.from)) * (right - LEFT)
    context.font = `11px ${ink.font}`
    context.textBaseline = 'middle'

    drawAxis(context, ink, x, view, right, bottom)
    context.save()
    context.beginPath()
    context.rect(LEFT, 0, right - LEFT, bottom)
    context.clip()
    // Idle time: a thin line on which the work lies.
    context.strokeStyle = ink.line
    for (let lane = 0; lane < lanes; lane++) {
      const y = Math.round(TOP + lane * height + height / 2) + 0.5
      line(context, LEFT, y, right, y)
    }
    for (const tier of report.head.tiers) drawTail(context, ink, x, tier, bottom)
    const patterns = makePatterns(context, ink)
    for (const [at, block] of blocks.entries()) {
      const from = x(block.from)
      const to = x(block.from + block.ms)
      if (to < LEFT || from > right) continue
      const attempt = report.file(block.file).attempts[block.attempt]
      if (!attempt) continue
      const shape = {
        x: from,
        y: TOP + block.lane * height + GAP / 2,
        w: Math.max(1, to - from - 0.6),
        h: height - GAP,
      }
      drawBlock(context, ink, patterns, shape, attempt, block.attempt, startUpWidth(attempt, from, x, block))
      label(context, ink, shape, attempt, block)
      if (at === selected) {
        context.strokeStyle = ink.accent
        context.lineWidth = 2
        context.strokeRect(shape.x - 1, shape.y - 1, shape.w + 2, shape.h + 2)
        context.lineWidth = 1
      }
    }
    for (const tier of report.head.tiers) drawMarks(context, ink, x, tier, bottom, right)
    if (drag && Math.abs(drag.to - drag.x) > 4) {
      context.globalAlpha = 0.18
      context.fillStyle = ink.accent
      context.fillRect(Math.min(drag.x, drag.to), TOP, Math.abs(drag.to - drag.x), bottom - TOP)
      context.globalAlpha = 1
    }
    context.restore()
    drawLaneNames(context, ink, report, lanes, height, right)
  }

  /**
   * @param {import('../data.ts').PageAttempt} attempt
   * @param {number} from
   * @param {(ms: number) => number} x
   * @param {Block} block
   */
  function startUpWidth(attempt, from, x, block) {
    return attempt.startUpMs === null ? 0 : x(block.from + attempt.startUpMs) - from
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Inks} ink
   * @param {{ x: number, y: number, w: number, h: number }} shape
   * @param {import('../data.ts').PageAttempt} attempt
   * @param {Block} block
   */
  function label(context, ink, shape, attempt, block) {
    if (shape.h < 11 || shape.w < 14) return
    const { sign, tone } = MARKS[attempt.mark]
    const start = Math.max(shape.x, LEFT)
    const room = shape.x + shape.w - start - 8
    const text = [
      tone === 'good' ? '' : sign,
      block.attempt > 0 ? `#${block.attempt + 1}` : '',
      room > 50 ? shortName(report.file(block.file).path) : '',
    ]
      .filter(Boolean)
      .join(' ')
    if (text === '' || room < 8) return
    context.fillStyle = tone === 'good' || tone === 'quiet' ? ink.text : ink.onStrong
    const fits = fitted(context, text, room)
    context.textAlign = 'left'
    if (fits !== '') context.fillText(fits, start + 4, shape.y + shape.h / 2 + 0.5)
  }

  /** @param {MouseEvent} event */
  function blockAt(event) {
    const lane = Math.floor((event.offsetY - TOP) / height)
    const ms = timeAt(event.offsetX)
    const slack = (1.5 * (view.to - view.from)) / canvas.clientWidth
    return blocks.findIndex(
      (block) => block.lane === lane && ms >= block.from - slack && ms <= block.from + block.ms + slack,
    )
  }

  /** @param {PointerEvent} event */
  function onDown(event) {
    drag = { x: event.offsetX, to: event.offsetX }
    canvas.setPointerCapture(event.pointerId)
  }

  /** @param {PointerEvent} event */
  function onMove(event) {
    if (drag) {
      drag.to = event.offsetX
      draw()
    }
    const at = blockAt(event)
    tip.hidden = at < 0
    canvas.style.cursor = at < 0 ? 'default' : 'pointer'
    if (at < 0) return
    tip.textContent = blockText(report, /** @type {Block} */ (blocks[at]))
    const left = Math.min(event.offsetX + 14, canvas.clientWidth - tip.offsetWidth - 4)
    tip.style.transform = `translate(${Math.max(0, left)}px, ${event.offsetY + 18}px)`
  }

  /** @param {PointerEvent} event */
  function onUp(event) {
    const dragged = drag
    drag = null
    if (dragged && Math.abs(dragged.to - dragged.x) > 4) {
      const [from, to] = [timeAt(dragged.x), timeAt(dragged.to)].sort((a, b) => a - b)
      return zoom({ from: from ?? 0, to: to ?? whole.to })
    }
    draw()
    const block = blocks[blockAt(event)]
    if (block) onOpen({ file: block.file, test: null })
  }

  /** @param {KeyboardEvent} event */
  function onKey(event) {
    const block = blocks[selected]
    if (event.key === 'Enter' && block) {
      event.preventDefault()
      event.stopPropagation()
      return onOpen({ file: block.file, test: null })
    }
    if (event.key === '+' || event.key === '-') return scale(event.key === '+' ? 0.5 : 2)
    const next = neighbour(blocks, selected, event.key)
    if (next < 0) return
    event.preventDefault()
    selected = next
    const chosen = /** @type {Block} */ (blocks[next])
    if (chosen.from < view.from || chosen.from > view.to) {
      const half = (view.to - view.from) / 2
      view = { from: chosen.from - half, to: chosen.from + half }
      zoom(view)
    }
    announce(blockText(report, chosen))
    draw()
  }

  return { element, draw }
}

/** Every attempt of this run at every file, by time within a lane. @param {Report} report @returns {Block[]} */
function blocksOf(report) {
  return report.head.files
    .flatMap((file, place) =>
      file.attempts.flatMap(({ shard, from, ms }, attempt) =>
        from === null ? [] : [{ file: place, attempt, lane: shard, from, ms }],
      ),
    )
    .sort((a, b) => a.lane - b.lane || a.from - b.from)
}

/** The block to which an arrow key leads; -1: none. @param {Block[]} blocks @param {number} at @param {string} key */
export function neighbour(blocks, at, key) {
  const block = blocks[at]
  if (!block) return key.startsWith('Arrow') ? 0 : -1
  if (key === 'ArrowRight') return Math.min(blocks.length - 1, at + 1)
  if (key === 'ArrowLeft') return Math.max(0, at - 1)
  const lane = key === 'ArrowDown' ? block.lane + 1 : key === 'ArrowUp' ? block.lane - 1 : -1
  const middle = block.from + block.ms / 2
  let best = -1
  for (const [other, { lane: its, from, ms }] of blocks.entries()) {
    if (its !== lane) continue
    const before = blocks[best]
    if (!before || Math.abs(from + ms / 2 - middle) < Math.abs(before.from + before.ms / 2 - middle)) best = other
  }
  return best
}

/** @param {Report} report @param {Block} block */
function blockText(report, { file, attempt }) {
  const { id, counts, attempts } = report.file(file)
  const one = attempts[attempt]
  if (!one) return id
  return [
    id,
    `${one.word}${one.why === '' ? '' : `: ${one.why}`}, ${duration(one.ms)}${attempts.length > 1 ? `, attempt ${attempt + 1} of ${attempts.length}` : ''}`,
    `${counts[0]} passed, ${counts[1]} failed, shard ${one.shard}${one.database === null ? '' : `, database ${one.database}`}`,
    one.startUpMs === null ? '' : `start-up ${duration(one.startUpMs)}`,
  ]
    .filter(Boolean)
    .join('\n')
}

/** How well the shards were used, in one sentence. @param {Report} report @param {import('../data.ts').PageTier} tier */
function paceText(report, { name, pace, shards }) {
  if (!pace) return `${name}: nothing ran.`
  const { from, makespanMs, floorMs, floorFile, tailFrom, lanes } = pace
  const busy =
    lanes.reduce((sum, lane) => sum + lane.busyMs, 0) / Math.max(1, makespanMs * Math.max(shards, lanes.length))
  const startUp = lanes.reduce((sum, lane) => sum + lane.startUpMs, 0)
  const tail = from + makespanMs - tailFrom
  const floor = floorFile === null ? 'the work spread evenly' : `the longest file, ${report.file(floorFile).id}`
  return (
    `${name}: ${duration(makespanMs)} on ${plural(shards, 'shard')}, ${(makespanMs / Math.max(1, floorMs)).toFixed(2)}x its floor of ` +
    `${duration(floorMs)} (${floor}). Shards were busy ${percent(Math.min(1, busy))} of the time, ${duration(startUp)} of it in start-up` +
    (tail > makespanMs / 100 ? `; for the last ${duration(tail)} not all of them had work.` : '.')
  )
}

/** @param {Report} report */
function laneTable(report) {
  const rows = report.head.tiers.flatMap(({ name, pace }) =>
    (pace?.lanes ?? []).map(({ shard, attempts, busyMs, startUpMs }) =>
      h(
        'tr',
        {},
        ...[
          name,
          `shard ${shard}`,
          String(attempts),
          duration(busyMs),
          duration(startUpMs),
          duration(Math.max(0, (pace?.makespanMs ?? 0) - busyMs)),
        ].map((text, at) => h('td', { class: at > 1 ? 'number' : null }, text)),
      ),
    ),
  )
  return h(
    'details',
    { class: 'as-table' },
    h('summary', {}, 'As a table'),
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ['tier', 'shard', 'attempts', 'busy', 'start-up', 'idle'].map((name, at) =>
            h('th', { scope: 'col', class: at > 1 ? 'number' : null }, name),
          ),
        ),
      ),
      h('tbody', {}, rows),
    ),
  )
}

/** What the colours and patterns mean: only those that occur. @param {import('./words.js').Mark[]} marks */
function legend(marks) {
  const kinds = /** @type {const} */ (['p', 'f', 't', 'c', 'e', 'x', 'l', 'i', 'n'])
  return h(
    'ul',
    { class: 'legend' },
    kinds
      .filter((mark) => marks.includes(mark))
      .map((mark) =>
        h(
          'li',
          {},
          h('span', { class: `swatch swatch-${mark}` }),
          MARKS[mark].tone === 'good' ? '' : `${MARKS[mark].sign} `,
          MARKS[mark].word,
        ),
      ),
    h('li', {}, h('span', { class: 'swatch swatch-start' }), 'start-up'),
    h('li', {}, h('span', { class: 'swatch swatch-idle' }), 'idle'),
    h('li', {}, h('span', { class: 'swatch swatch-tail' }), 'not enough work for all'),
  )
}

/** A file's name without its folders and without what all of them end in. @param {string} path */
function shortName(path) {
  return path.slice(path.lastIndexOf('/') + 1).replace(/\.(?:test|spec)\.[cm]?[jt]sx?$/u, '')
}
