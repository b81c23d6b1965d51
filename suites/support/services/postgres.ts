import { findPostgres } from '../../../src/services/postgres/local.ts'

/** For `test.skipIf`: there is no Postgres to start here; in the project's own CI that is a failure. */
export const skipPostgres =
  (await findPostgres(process.env)) === null && process.env['TIERSHARD_REQUIRE_NATIVE'] !== '1'
