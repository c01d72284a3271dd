/**
 * Lua: texts as the codecs write them. Bytes are Latin-1, as in `latin1`; numbers are never turned into text by way of
 * the locale's decimal point; 5.2 has no integers and 5.4 has two kinds of numbers, so whole ones go through `%d`.
 */
export const texts = String.raw`
local function whole(number)
  return string.format("%d", number)
end

-- Latin-1 as UTF-8; what would end a text is shown as its symbol.
local function utf8_of(bytes)
  if not bytes:find("[%z\128-\255]") then return bytes end
  return (bytes:gsub("[%z\128-\255]", function(byte)
    local code = byte:byte()
    if code == 0 then return "\226\144\128" end
    return string.char(192 + math.floor(code / 64), 128 + code % 64)
  end))
end

local REPLACEMENT = "\239\191\189"

-- How many bytes follow a first byte, and the range of the first of them.
local function follow(first)
  if first >= 194 and first <= 223 then return 1, 128, 191 end
  if first == 224 then return 2, 160, 191 end
  if first == 237 then return 2, 128, 159 end
  if first >= 225 and first <= 239 then return 2, 128, 191 end
  if first == 240 then return 3, 144, 191 end
  if first >= 241 and first <= 243 then return 3, 128, 191 end
  if first == 244 then return 3, 128, 143 end
  return 0, 0, 0
end

-- UTF-8 made sound, each broken piece being one replacement character.
local function sound(bytes)
  if not bytes:find("[%z\128-\255]") then return bytes end
  local out, at = {}, 1
  while at <= #bytes do
    local first = bytes:byte(at)
    local stop = at
    if first == 0 then
      out[#out + 1] = "\226\144\128"
    elseif first < 128 then
      out[#out + 1] = string.char(first)
    else
      local more, least, most = follow(first)
      local left = more
      while left > 0 do
        local byte = bytes:byte(stop + 1)
        if byte == nil or byte < least or byte > most then break end
        stop, left, least, most = stop + 1, left - 1, 128, 191
      end
      out[#out + 1] = (more > 0 and left == 0) and bytes:sub(at, stop) or REPLACEMENT
    end
    at = stop + 1
  end
  return table.concat(out)
end

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n" }

-- A guest's text made safe for a line: see quote() of the codecs.
local function quote(bytes)
  local shown = #bytes > 80 and bytes:sub(1, 80) or bytes
  local escaped = shown:gsub('[%z\1-\31\127-\255"\\]', function(byte)
    return ESCAPES[byte] or string.format("\\x%02x", byte:byte())
  end)
  return '"' .. escaped .. (#bytes > 80 and "\226\128\166" or "") .. '"'
end

-- A line of at most so many characters.
local function cut(line, most)
  local _, length = line:gsub("[^\128-\191]", "")
  if length <= most then return line end
  local count = 0
  for at = 1, #line do
    local byte = line:byte(at)
    if byte < 128 or byte > 191 then
      count = count + 1
      if count == most then return line:sub(1, at - 1) .. "\226\128\166" end
    end
  end
  return line
end

-- The fewest digits that are this number and no other.
local function shortest(number)
  for digits = 15, 17 do
    local text = string.format("%." .. digits .. "g", number)
    if tonumber(text) == number then return (text:gsub(",", ".")) end
  end
  return whole(number)
end

-- A quotient to six digits after the point: the number that they make, and their text.
local function rounded(number, factor)
  local quotient = number / factor
  if quotient >= 8589934592 then
    if quotient == math.floor(quotient) then return quotient, whole(quotient) end
    return quotient, shortest(quotient)
  end
  local exact = number
  if factor > 1000000 then exact = number / (factor / 1000000) end
  if factor < 1000000 then exact = number * (1000000 / factor) end
  local micro = math.floor(exact)
  if exact - micro >= 0.5 then micro = micro + 1 end
  local before = math.floor(micro / 1000000)
  local text = string.format("%d.%06d", before, micro - before * 1000000)
  return micro / 1000000, (text:gsub("0+$", ""):gsub("%.$", ""))
end

-- 1.3 GHz: the largest scale that loses nothing within six digits after the point.
local function quantity(value, unit)
  local sign = value < 0 and "-" or ""
  local number = math.abs(value)
  local scales = SCALES[unit]
  for _, scale in ipairs(scales) do
    if number >= scale[1] then
      local scaled, text = rounded(number, scale[1])
      if math.abs(scaled * scale[1] - number) < 0.001 then return sign .. text .. " " .. scale[2] end
    end
  end
  local last = scales[#scales]
  local _, text = rounded(number, last[1])
  return sign .. text .. " " .. last[2]
end
`;
