/** What `import ... from 'tiershard'` offers: the config and its types. */
export {
  defineConfig,
  type Duration,
  type UserCommandService,
  type UserConfig,
  type UserPostgresService,
  type UserReady,
  type UserRedis,
  type UserService,
  type UserSuite,
  type UserTier,
  type UserVitest,
} from './config/define.ts'
