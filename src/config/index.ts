export { CONFIG_NAMES, loadSettings } from './load.ts'
export { nearest } from './nearest.ts'
export { withOverrides } from './settings.ts'
