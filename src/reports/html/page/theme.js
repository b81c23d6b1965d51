/** Light or dark: as the system says, until the reader says otherwise. */

const THEME = 'tiershard-theme'
const remembered = stored()
if (remembered !== null) document.documentElement.dataset['theme'] = remembered

/** A browser may refuse to remember anything for pages from disk. */
function stored() {
  try {
    const value = localStorage.getItem(THEME)
    return value === 'light' || value === 'dark' ? value : null
  } catch {
    return null
  }
}

export function switchTheme() {
  const root = document.documentElement
  const dark =
    (root.dataset['theme'] ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')) === 'dark'
  root.dataset['theme'] = dark ? 'light' : 'dark'
  try {
    localStorage.setItem(THEME, root.dataset['theme'])
  } catch {
    // Then it lasts as long as the page.
  }
  document.dispatchEvent(new Event('theme'))
}
