import fc from 'fast-check'

/**
 * Property tests of one commit try the same inputs on every machine, so that a gate is red because of the change and not
 * by chance. TIERSHARD_SEED tries others; the nightly workflow gives it a new one each night.
 */
fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(process.env['TIERSHARD_SEED'] ?? 20_261_120) })

export { default } from 'fast-check'
