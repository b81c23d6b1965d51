--[[
  Who holds which database. Changes nothing.

  KEYS[1]  prefix of the lease records

  ARGV[1]  control database
  ARGV[2]  number of databases of the server

  Returns  { now, each database }
             each database  { number of keys, 1 if it carries our marker, owner, fence, run id, host, process id, shard,
                              since, expires, '1' if open, bytes }; the lease's fields are empty strings where there is none;
                              bytes is an estimate from 20 random keys, -1: not known
]]
local time = redis.call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000))
local rows = { now }

-- Bytes of the selected database: looking at every key would hold up the server.
local function estimate(keys)
  if keys == 0 then
    return 0
  end
  local sampled, sum = 0, 0
  for _ = 1, math.min(keys, 20) do
    local key = redis.call('RANDOMKEY')
    local bytes = key and redis.pcall('MEMORY', 'USAGE', key)
    if type(bytes) == 'number' then
      sampled = sampled + 1
      sum = sum + bytes
    end
  end
  return sampled == 0 and -1 or math.floor(sum / sampled * keys)
end

for database = 0, tonumber(ARGV[2]) - 1 do
  redis.call('SELECT', database)
  local marker = redis.pcall('HMGET', 'tiershard:owner', 'control', 'fence')
  local row = { redis.call('DBSIZE'), (marker[1] == ARGV[1] and tonumber(marker[2])) and 1 or 0 }
  local bytes = estimate(row[1])
  redis.call('SELECT', ARGV[1])
  local lease = redis.call('HMGET', KEYS[1] .. database, 'owner', 'fence', 'run', 'host', 'pid', 'shard', 'since', 'expires',
    'open')
  for _, field in ipairs({ 1, 2, 3, 4, 5, 6, 7, 8, 9 }) do
    table.insert(row, lease[field] or '')
  end
  table.insert(row, bytes)
  table.insert(rows, row)
end
return rows
