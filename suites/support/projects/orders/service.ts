import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { Redis } from 'ioredis'
import pg from 'pg'

/** An order service: stock and orders in Postgres, idempotency keys in Redis. It does not start without both. */
interface Config {
  readonly port: number
  readonly database: string
  readonly redis: string
  readonly tokenFile: string
}

const config = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Config
const token = readFileSync(config.tokenFile, 'utf8')
const redis = new Redis(config.redis, { maxRetriesPerRequest: 1 })
redis.on('error', (error) => console.error(`redis: ${error.message}`))
const database = new pg.Pool({ connectionString: config.database, max: 4 })
database.on('error', (error) => console.error(`postgres: ${error.message}`))

await redis.ping()
console.log('redis is there')
const { rows } = await database.query<{ count: string }>('SELECT count(*) FROM products')
console.log(`postgres is there, ${rows[0]!.count} products`)

const server = http.createServer((request, response) => {
  answer(request).then(
    ({ status, body }) => response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body)),
    (error: Error) => {
      console.error(error.message)
      response.writeHead(503).end(JSON.stringify({ error: error.message }))
    },
  )
})
server.listen(config.port, '127.0.0.1')
await once(server, 'listening')
console.log(`listening on ${config.port}`)

async function answer(request: http.IncomingMessage): Promise<{ status: number; body: unknown }> {
  if (request.url === '/health') return { status: 200, body: 'ok' }
  if (request.headers.authorization !== `Bearer ${token}`) return { status: 401, body: { error: 'who are you?' } }
  const product = decodeURIComponent(request.url!.split('/')[2] ?? '')
  const key = request.headers['idempotency-key']
  if (key !== undefined && (await redis.set(`order:${String(key)}`, product, 'EX', 60, 'NX')) === null) {
    return { status: 200, body: { repeated: true } }
  }
  const taken = await database.query('UPDATE products SET stock = stock - 1 WHERE name = $1 AND stock > 0', [product])
  if (taken.rowCount === 0) return { status: 409, body: { error: 'sold out' } }
  const placed = await database.query<{ id: string }>('INSERT INTO orders (product) VALUES ($1) RETURNING id', [product])
  return { status: 201, body: { id: Number(placed.rows[0]!.id) } }
}
