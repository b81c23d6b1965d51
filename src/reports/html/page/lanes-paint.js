import { h } from './dom.js'
import { duration, MARKS, percent } from './words.js'

/** @typedef {import('./data.js').Report} Report */
/** @typedef {import('./lanes.js').View} View */

/** Room around the lanes, px: names at the left, shares at the right, tiers above. */
export const LEFT = 64
export const RIGHT = 44
export const TOP = 22

/** @typedef {ReturnType<typeof inks>} Inks */
/** @typedef {Partial<Record<import('./words.js').Mark, CanvasPattern | null>>} Patterns */

/** The colours of the style, resolved for the theme in use. @param {HTMLElement} element */
export function inks(element) {
  const probe = h('span', { class: 'unseen' })
  element.after(probe)
  const style = getComputedStyle(probe)
  const ink = (/** @type {string} */ name) => {
    probe.style.color = `var(--${name})`
    return style.color
  }
  const found = {
    text: ink('text'),
    quiet: ink('muted'),
    line: ink('line'),
    grid: ink('grid'),
    accent: ink('accent'),
    onStrong: ink('on-strong'),
    panel: ink('panel'),
    tail: ink('tail'),
    good: ink('block-good'),
    bad: ink('bad'),
    odd: ink('odd'),
    warn: ink('warn'),
    idle: ink('block-quiet'),
    font: style.fontFamily,
  }
  probe.remove()
  return found
}

/** Stripes, crosses and dots, so that no outcome is told by its colour alone. @param {CanvasRenderingContext2D} context @param {Inks} ink @returns {Patterns} */
export function makePatterns(context, ink) {
  const pattern = (/** @type {(tile: CanvasRenderingContext2D) => void} */ drawTile) => {
    const tile = document.createElement('canvas')
    tile.width = tile.height = 8
    const brush = tile.getContext('2d')
    if (!brush) return null
    brush.strokeStyle = brush.fillStyle = ink.onStrong
    brush.globalAlpha = 0.28
    brush.lineWidth = 1.4
    drawTile(brush)
    return context.createPattern(tile, 'repeat')
  }
  const slanted = pattern((tile) => {
    line(tile, -2, 10, 10, -2)
    line(tile, -2, 2, 2, -2)
    line(tile, 6, 10, 10, 6)
  })
  const level = pattern((tile) => line(tile, 0, 4, 8, 4))
  const crossed = pattern((tile) => {
    line(tile, 0, 0, 8, 8)
    line(tile, 8, 0, 0, 8)
  })
  const dotted = pattern((tile) => {
    tile.fillRect(1, 1, 2, 2)
    tile.fillRect(5, 5, 2, 2)
  })
  return { f: slanted, t: level, c: crossed, e: slanted, x: dotted, l: dotted }
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Inks} ink
 * @param {Patterns} patterns
 * @param {{ x: number, y: number, w: number, h: number }} shape
 * @param {import('../data.ts').PageAttempt} attempt
 * @param {number} retry 0 for the first attempt
 * @param {number} startUp px
 */
export function drawBlock(context, ink, patterns, { x, y, w, h: tall }, attempt, retry, startUp) {
  const { tone } = MARKS[attempt.mark]
  const fill = tone === 'quiet' ? ink.idle : ink[tone]
  context.fillStyle = fill
  context.fillRect(x, y, w, tall)
  const pattern = patterns[attempt.mark]
  if (pattern && w > 3) {
    context.fillStyle = pattern
    context.fillRect(x, y, w, tall)
  }
  if (startUp > 1) {
    // Start-up: a bar along the bottom, of the time before the first test could run.
    context.fillStyle = ink.text
    context.globalAlpha = 0.45
    context.fillRect(x, y + tall - 3, Math.min(startUp, w), 3)
    context.globalAlpha = 1
  }
  if (retry > 0 && w > 3) {
    // A retry: its corner is folded.
    context.fillStyle = ink.panel
    context.beginPath()
    context.moveTo(x, y)
    context.lineTo(x + Math.min(7, w), y)
    context.lineTo(x, y + Math.min(7, tall))
    context.fill()
  }
}

/** @param {CanvasRenderingContext2D} context @param {number} x @param {number} y @param {number} toX @param {number} toY */
export function line(context, x, y, toX, toY) {
  context.beginPath()
  context.moveTo(x, y)
  context.lineTo(toX, toY)
  context.stroke()
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Inks} ink
 * @param {(ms: number) => number} x
 * @param {View} view
 * @param {number} right
 * @param {number} bottom
 */
export function drawAxis(context, ink, x, view, right, bottom) {
  const step = tickStep((view.to - view.from) / Math.max(2, (right - LEFT) / 90))
  context.textAlign = 'center'
  for (let ms = Math.ceil(view.from / step) * step; ms <= view.to; ms += step) {
    const at = Math.round(x(ms)) + 0.5
    context.strokeStyle = ink.grid
    line(context, at, TOP, at, bottom)
    context.fillStyle = ink.quiet
    context.fillText(ms === 0 ? '0' : duration(ms), at, bottom + 12)
  }
}

/** A round number of ms that is at least this long. @param {number} least */
function tickStep(least) {
  const steps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 3e4, 6e4, 12e4, 3e5, 6e5, 18e5, 36e5]
  return steps.find((step) => step >= least) ?? Math.ceil(least / 36e5) * 36e5
}

/**
 * From when on not all shards of a tier had work.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Inks} ink
 * @param {(ms: number) => number} x
 * @param {import('../data.ts').PageTier} tier
 * @param {number} bottom
 */
export function drawTail(context, ink, x, { pace }, bottom) {
  if (!pace) return
  const end = pace.from + pace.makespanMs
  context.fillStyle = ink.tail
  context.fillRect(x(pace.tailFrom), TOP, Math.max(0, x(end) - x(pace.tailFrom)), bottom - TOP)
}

/**
 * Where a tier starts, and the floor: no order of its files could have ended before it.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {Inks} ink
 * @param {(ms: number) => number} x
 * @param {import('../data.ts').PageTier} tier
 * @param {number} bottom
 * @param {number} right
 */
export function drawMarks(context, ink, x, { name, from, to, pace }, bottom, right) {
  if (from === null) return
  const start = Math.round(x(from)) + 0.5
  context.textAlign = 'left'
  context.fillStyle = ink.text
  context.strokeStyle = ink.quiet
  line(context, start, 4, start, bottom)
  const label = Math.max(start, LEFT) + 5
  // A tier so short that its name would lie on the next one's: the sentences above name them all.
  if (x(to ?? from) - label < context.measureText(name).width) return
  context.fillText(name, label, TOP / 2)
  if (!pace) return
  const floor = Math.round(x(pace.from + pace.floorMs)) + 0.5
  const text = `floor ${duration(pace.floorMs)}`
  const wide = context.measureText(text).width
  context.strokeStyle = ink.accent
  context.setLineDash([4, 3])
  line(context, floor, TOP - 8, floor, bottom)
  context.setLineDash([])
  const left = Math.min(floor, right) - wide - 5
  if (left < label + context.measureText(name).width + 8) return
  context.fillStyle = ink.accent
  context.fillText(text, left, TOP / 2)
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Inks} ink
 * @param {Report} report
 * @param {number} lanes
 * @param {number} height
 * @param {number} right
 */
export function drawLaneNames(context, ink, report, lanes, height, right) {
  const every = Math.max(1, Math.ceil(13 / height))
  const span = report.head.tiers.reduce((sum, { pace }) => sum + (pace?.makespanMs ?? 0), 0)
  for (let lane = 0; lane < lanes; lane += every) {
    const y = TOP + lane * height + height / 2
    const busy = report.head.tiers.reduce(
      (sum, { pace }) => sum + (pace?.lanes.find(({ shard }) => shard === lane)?.busyMs ?? 0),
      0,
    )
    context.fillStyle = ink.quiet
    context.textAlign = 'left'
    context.fillText(fitted(context, report.shortShardName(lane), LEFT - 8), 2, y)
    context.textAlign = 'right'
    context.fillText(percent(Math.min(1, busy / Math.max(1, span))), right + RIGHT - 4, y)
  }
}

/** As much of a text as fits. @param {CanvasRenderingContext2D} context @param {string} text @param {number} room px */
export function fitted(context, text, room) {
  if (context.measureText(text).width <= room) return text
  let keep = Math.min(text.length, Math.floor(room / 5))
  while (keep > 0 && context.measureText(`${text.slice(0, keep)}…`).width > room) keep--
  return keep < 2 ? '' : `${text.slice(0, keep)}…`
}
