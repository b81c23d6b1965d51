import { writeFileSync } from 'node:fs'

export default class {
  onInit(): void {
    writeFileSync(new URL('./reporter-ran', import.meta.url), '')
  }
}
