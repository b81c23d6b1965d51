--[[
  Proves that the control database takes a write. Changes nothing that lasts. Made every second of a run, so it does no more.

  KEYS[1]  a key of ours that nobody else uses

  ARGV[1]  control database

  Returns  'ok'
  Errors   what the server says to the write: READONLY, OOM, MISCONF, NOREPLICAS, LOADING
]]
redis.call('SELECT', ARGV[1])
redis.call('SET', KEYS[1], '1', 'PX', 5000)
redis.call('DEL', KEYS[1])
return 'ok'
