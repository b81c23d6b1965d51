--[[
  What is in some databases: how many keys, and what kind of keys a sample of them is. Changes nothing. The owner marker
  does not count.

  ARGV[1]     how many keys to look at, at most
  ARGV[2...]  databases

  Returns  { number of keys, each sampled key }
             each sampled key  four values: name, type, time to live in ms (-1: none), bytes (-1: not known)
]]
local limit = tonumber(ARGV[1])
local total = 0
local rows = { 0 }
for index = 2, #ARGV do
  redis.call('SELECT', ARGV[index])
  local keys = redis.call('DBSIZE')
  total = total + keys
  local cursor = keys == 0 and 'done' or '0'
  while cursor ~= 'done' and #rows <= 4 * limit do
    local page = redis.call('SCAN', cursor, 'COUNT', 200)
    cursor = page[1] == '0' and 'done' or page[1]
    for _, key in ipairs(page[2]) do
      if key == 'tiershard:owner' then
        total = total - 1
      elseif #rows <= 4 * limit then
        local bytes = redis.pcall('MEMORY', 'USAGE', key)
        table.insert(rows, key)
        table.insert(rows, redis.call('TYPE', key).ok)
        table.insert(rows, redis.call('PTTL', key))
        table.insert(rows, type(bytes) == 'number' and bytes or -1)
      end
    end
  end
end
rows[1] = total
return rows
