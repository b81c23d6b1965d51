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
import {
  drawPauses,
  drawRedis,
  drawRedisNames,
  redisHeight,
  redisRows,
  redisTable,
  redisText,
  redisWords,
} from './lanes-redis.js'
import { blockText, laneTable, legend, paceText, shortName } from './lanes-text.js'
import { MARKS, plural } from './words.js'

/** @typedef {import('./data.js').Report} Report */
/** @typedef {{ file: number, attempt: number, lane: number, from: number, ms: number }} Block one attempt at one file */
/** @typedef {{ from: number, to: number }} View ms of the run */
/** @typedef {import('./lanes-paint.js').Inks} Inks */

const AXIS = 22
const GAP = 3

/**
 * The shards over time on one canvas: what ran where, how it ended, start-up, retries, idle gaps, the tail and the floor,
 * and under them what the server did meanwhile.
 *
 * @param {Report} report
 * @param {(place: import('./details.js').Place) => void} onOpen
 */
export function lanesSection(report, onOpen) {
  const blocks = blocksOf(report)
  if (blocks.length === 0) return { element: null, draw: () => {} }
  const lanes = Math.max(...blocks.map(({ lane }) => lane), ...report.head.tiers.map(({ shards }) => shards - 1)) + 1
  const { pauses, redis } = report.head
  const ends = [...blocks, ...pauses].map(({ from, ms }) => from + ms)
  const whole = { from: 0, to: ends.reduce((last, end) => Math.max(last, end), redis?.at.at(-1) ?? 1) }
  const rows = redisRows(report)
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
    'aria-label': `Shards over time: ${report.head.tiers.map((tier) => paceText(report, tier)).join(' ')} ${rows.length > 0 ? `Below them, of Redis: ${rows.map(({ name }) => name).join(', ')}. ` : ''}Arrow keys step through the files, Enter opens one. The same as a table follows.`,
    onkeydown: onKey,
    onpointerdown: onDown,
    onpointermove: onMove,
    onpointerup: onUp,
    onpointerleave: () => (tip.hidden = true),
    ondblclick: () => zoom(whole),
    onblur: () => ((selected = -1), draw()),
  })
  canvas.style.height = `${TOP + lanes * height + redisHeight(report, rows) + AXIS}px`
  const tip = h('div', { class: 'tip', hidden: true, 'aria-hidden': 'true' })

  const element = section(
    'lanes',
    'Time',
    `${plural(lanes, 'shard')}, ${plural(blocks.length, 'attempt')}`,
    ...report.head.tiers.map((tier) => (tier.pace ? h('p', { class: 'pace' }, paceText(report, tier)) : null)),
    ...redisWords(report, rows),
    h(
      'div',
      { class: 'lanes-bar' },
      legend(
        blocks.map(({ file, attempt }) => report.file(file).attempts[attempt]?.mark ?? 'n'),
        pauses.length > 0,
      ),
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
    redisTable(report, rows),
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
    const y = TOP + lanes * height
    const bottom = y + redisHeight(report, rows)
    const x = (/** @type {number} */ ms) => LEFT + ((ms - view.from) / (view.to - view.from)) * (right - LEFT)
    context.font = `11px ${ink.font}`
    context.textBaseline = 'middle'

    drawAxis(context, ink, x, view, right, bottom)
    context.save()
    context.beginPath()
    context.rect(LEFT, 0, right - LEFT, bottom)
    context.clip()
    const patterns = makePatterns(context, ink)
    const area = { context, ink, x, top: TOP, y, right, hatch: patterns.f ?? null }
    drawPauses(area, report, bottom)
    // Idle time: a thin line on which the work lies.
    context.strokeStyle = ink.line
    for (let lane = 0; lane < lanes; lane++) {
      const y = Math.round(TOP + lane * height + height / 2) + 0.5
      line(context, LEFT, y, right, y)
    }
    for (const tier of report.head.tiers) drawTail(context, ink, x, tier, y)
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
    for (const tier of report.head.tiers) drawMarks(context, ink, x, tier, y, right)
    drawRedis(area, report, rows)
    if (drag && Math.abs(drag.to - drag.x) > 4) {
      context.globalAlpha = 0.18
      context.fillStyle = ink.accent
      context.fillRect(Math.min(drag.x, drag.to), TOP, Math.abs(drag.to - drag.x), bottom - TOP)
      context.globalAlpha = 1
    }
    context.restore()
    drawLaneNames(context, ink, report, lanes, height, right)
    drawRedisNames(area, report, rows)
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
    const block = blocks[blockAt(event)]
    const below = event.offsetY > TOP + lanes * height && event.offsetX > LEFT
    const text = block ? blockText(report, block) : below ? redisText(report, rows, timeAt(event.offsetX)) : ''
    tip.hidden = text === ''
    canvas.style.cursor = block ? 'pointer' : 'default'
    tip.textContent = text
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
