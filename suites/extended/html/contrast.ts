import type { Page } from 'playwright-core'

export interface PoorContrast {
  readonly text: string
  readonly ratio: number
  readonly color: string
  readonly background: string
}

/**
 * Every visible text whose contrast to what is behind it is under `least`, by the formula of WCAG 2.2. What lies behind is
 * the nearest ancestor with a background; partly transparent ones are blended.
 */
export async function poorContrast(page: Page, least: number): Promise<PoorContrast[]> {
  return page.evaluate((least) => {
    type Rgba = [number, number, number, number]
    const brush = document.createElement('canvas').getContext('2d', { willReadFrequently: true })!
    const rgba = (color: string): Rgba => {
      brush.clearRect(0, 0, 1, 1)
      brush.fillStyle = color
      brush.fillRect(0, 0, 1, 1)
      const [r, g, b, a] = brush.getImageData(0, 0, 1, 1).data
      return [r!, g!, b!, a! / 255]
    }
    const over = ([r, g, b, a]: Rgba, [x, y, z]: Rgba): Rgba => [
      r * a + x * (1 - a),
      g * a + y * (1 - a),
      b * a + z * (1 - a),
      1,
    ]
    const behind = (element: Element | null): Rgba => {
      if (element === null) return [255, 255, 255, 1]
      const own = rgba(getComputedStyle(element).backgroundColor)
      return own[3] >= 1 ? own : over(own, behind(element.parentElement))
    }
    const channel = (value: number): number => {
      const part = value / 255
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
    }
    const light = ([r, g, b]: Rgba): number => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b)
    const found = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const element = node.parentElement!
      if (node.textContent!.trim() === '' || !element.checkVisibility({ checkVisibilityCSS: true })) continue
      if (element.closest('.unseen, script, style, option')) continue
      const style = getComputedStyle(element)
      const background = behind(element)
      const front = light(over(rgba(style.color), background))
      const back = light(background)
      const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05)
      if (ratio < least) {
        const text = node.textContent!.trim().slice(0, 40)
        found.push({ text, ratio: Math.round(ratio * 100) / 100, color: style.color, background: background.join(' ') })
      }
    }
    return found
  }, least)
}

/** Controls that a screen reader could not name, as HTML. */
export async function namelessControls(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('button, a[href], input, select, summary, canvas, [role], [tabindex]')]
      .filter((element) => element.checkVisibility() && element.getAttribute('role') !== 'presentation')
      .filter((element) => {
        const label = element.getAttribute('aria-label') ?? element.textContent ?? ''
        const by = element.getAttribute('aria-labelledby')
        const said = by === null ? label : (document.getElementById(by)?.textContent ?? '')
        return said.trim() === '' && element.getAttribute('role') !== 'status'
      })
      .map((element) => element.outerHTML.slice(0, 120)),
  )
}
