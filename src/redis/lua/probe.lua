--[[
  Proves that the control database takes a write, and counts the databases. Changes nothing that lasts.

  KEYS[1]  a key of ours that nobody else uses

  ARGV[1]  control database
  ARGV[2]  the value to write
  ARGV[3]  how many databases to look for at most

  Returns  { the value read back, number of databases }
  Errors   what the server says to the write: READONLY, OOM, MISCONF, NOREPLICAS, NOPERM, a database that does not exist
]]
redis.call('SELECT', ARGV[1])
redis.call('SET', KEYS[1], ARGV[2], 'PX', 5000)
local value = redis.call('GET', KEYS[1])
redis.call('DEL', KEYS[1])

local databases = 0
while databases < tonumber(ARGV[3]) do
  local answer = redis.pcall('SELECT', databases)
  if type(answer) == 'table' and answer.err then
    break
  end
  databases = databases + 1
end
return { value, databases }
