-- How often within which time, as in src/local.rs: a list of moments for each cap, oldest first, at most so many.
-- ARGV[1]: microseconds since the epoch, or '' for Redis's own time; ARGV[2]: admit, look, record or back; then most
-- and within (microseconds) for each key.
-- Returns which cap has the longest wait (0: none is reached) and that wait in microseconds.
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local deed = ARGV[2]
local reached, wait = 0, 0
for i = 1, #KEYS do
  local first = redis.call('LINDEX', KEYS[i], '-' .. ARGV[2 * i + 1])
  if first then
    local left = first + tonumber(ARGV[2 * i + 2]) - now
    if left > wait then
      reached, wait = i, left
    end
  end
end
if deed == 'record' or (deed == 'admit' and reached == 0) then
  for i = 1, #KEYS do
    redis.call('RPUSH', KEYS[i], string.format('%.0f', now))
    redis.call('LTRIM', KEYS[i], '-' .. ARGV[2 * i + 1], -1)
    -- A minute more than needed, for a clock that is told by a test and stands still.
    redis.call('PEXPIRE', KEYS[i], math.ceil(ARGV[2 * i + 2] / 1000) + 60000)
  end
elseif deed == 'back' then
  for i = 1, #KEYS do
    redis.call('RPOP', KEYS[i])
  end
end
return { reached, wait }
