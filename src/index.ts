/** What `import ... from 'tiershard'` offers: the config and its types. */
export {
  defineConfig,
  type Duration,
  type UserConfig,
  type UserRedis,
  type UserSuite,
  type UserTier,
  type UserVitest,
} from './config/define.ts'
