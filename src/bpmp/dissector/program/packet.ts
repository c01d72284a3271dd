/** Lua: one packet of a capture. The header is capture/packet.ts's, and so are the reasons why a packet is none. */
export const packet = String.raw`
local VERDICTS = { [0] = "allow", "deny", "absorb", "malformed" }

-- The header's numbers, or why this is no record.
local function read_header(tvb)
  local size = tvb:len()
  local version = tvb(4, 1):uint()
  if version ~= 1 then return nil, string.format("version %d of the record, which this dissector does not know", version) end
  if size < 48 then return nil, string.format("%d bytes, of the header's 48", size) end
  local raw = tvb:raw(0, 48)
  local record = { tvb = tvb, verdict = VERDICTS[raw:byte(6)] }
  if record.verdict == nil then
    return nil, string.format("verdict %d, of which there is none", raw:byte(6))
  end
  local tx, rx, vm, rule = little(raw, 36, 2), little(raw, 38, 2), little(raw, 40, 2), little(raw, 42, 2)
  local header = little(raw, 44, 2)
  if header < 48 then return nil, string.format("a header of %d bytes: 48 at least", header) end
  local sum = header + vm + rule + tx + rx
  if sum ~= size then return nil, string.format("%d bytes, but its lengths make %d", size, sum) end
  if little(raw, 20, 4) >= 2097152 then return nil, "its sequence is too large" end
  if little(raw, 28, 4) >= 2097152 then return nil, "its latency is too large" end
  record.mrq, record.ret = little(raw, 8, 4), small(raw, 12, 4, true)
  record.flags = little(raw, 6, 2)
  record.latency = little(raw, 28, 4) * 4294967296 + little(raw, 24, 4)
  record.thread = little(raw, 32, 4)
  record.vm_range = tvb(header, vm)
  record.rule_range = tvb(header + vm, rule)
  record.tx_at = header + vm + rule
  record.rx_at = record.tx_at + tx
  local function bytes(from, count) return count > 0 and tvb:raw(from, count) or "" end
  record.vm, record.rule = sound(bytes(header, vm)), sound(bytes(header + vm, rule))
  record.tx, record.rx = bytes(record.tx_at, tx), bytes(record.rx_at, rx)
  return record
end

local function add_record(record, tree)
  local tvb = record.tvb
  local under = tree:add(tvb(0, record.tx_at), "Record")
  under:add(C.vm, record.vm_range, record.vm)
  under:add_le(C.sequence, tvb(16, 8))
  if record.thread ~= 0 then under:add_le(C.thread, tvb(32, 4)) end
  under:append_text(" of " .. record.vm)
end

local function add_request(record, tree)
  local tvb = record.tvb
  local range = tvb(record.tx_at, #record.tx)
  local under = tree:add(range, "Request")
  local family, number, info = look(record.mrq, record.tx)
  local item = under:add_le(C.mrq, tvb(8, 4))
  if family then
    item:append_text(" (" .. family.n .. ")")
    item:add(C["mrq.name"], tvb(8, 4), family.n):set_generated()
  end
  if number then
    local shift = SHIFTS[family.p]
    local place = tvb(record.tx_at + shift, 4 - shift)
    item = under:add_le(C.cmd, place)
    if info then
      item:append_text(" (" .. info.n .. ")")
      item:add(C["cmd.name"], place, info.n):set_generated()
    end
  end
  local line, status = read_request(record, under)
  under:add_le(C["tx.size"], tvb(36, 2))
  if #record.tx > 0 then under:add(C.tx, range) end
  under:append_text(": " .. line)
  under:add(C.request, range, line):set_generated()
  under:add(C.status, range, status):set_generated()
  if status == "malformed" then
    under:add_proto_expert_info(E.malformed, "Malformed request: " .. line)
  elseif status == "unknown" then
    under:add_proto_expert_info(E.unknown, "Unknown request: " .. line)
  end
  return line
end

local function add_decision(record, tree)
  local tvb = record.tvb
  local under = tree:add(tvb(5, 3), "Decision: " .. record.verdict)
  local item = under:add(C.verdict, tvb(5, 1), record.verdict)
  under:add_le(C.hidden, tvb(6, 2))
  under:add_le(C.observed, tvb(6, 2))
  under:add(C.rule, record.rule_range, record.rule)
  if record.rule ~= "" then under:append_text(", " .. record.rule) end
  local is_hidden = record.flags % 2 == 1
  if record.verdict == "deny" and is_hidden then
    item:add_proto_expert_info(E.hidden, "Denied: it asks about what the view hides")
  elseif record.verdict == "deny" then
    item:add_proto_expert_info(E.denied, "Denied by " .. record.rule)
  elseif record.verdict == "absorb" then
    item:add_proto_expert_info(E.absorbed, "Answered without being forwarded, by " .. record.rule)
  elseif record.verdict == "malformed" then
    item:add_proto_expert_info(E.malformed, "Refused as malformed: " .. record.rule)
  end
end

local function ret_text(ret)
  local name = RETURNS[ret]
  return name and (whole(ret) .. " (" .. name .. ")") or whole(ret)
end

local function add_reply(record, tree)
  local tvb = record.tvb
  local range = tvb(record.rx_at, #record.rx)
  local under = tree:add(range, "Reply: " .. ret_text(record.ret))
  local item = under:add_le(C.ret, tvb(12, 4))
  local name = RETURNS[record.ret]
  if name then
    item:append_text(" (" .. name .. ")")
    item:add(C["ret.name"], tvb(12, 4), name):set_generated()
  end
  if record.ret < 0 and record.verdict == "allow" then
    item:add_proto_expert_info(E.refused, "The firmware answered " .. ret_text(record.ret))
  end
  local status, problem = read_reply(record, under)
  under:add_le(C["rx.size"], tvb(38, 2))
  if #record.rx > 0 then under:add(C.rx, range) end
  under:add(C["reply.status"], range, status):set_generated()
  if problem then under:add_proto_expert_info(E.malformed_reply, "Malformed reply: " .. problem) end
  under:add_le(C.latency, tvb(24, 8))
  local rest = math.fmod(record.latency, 1000000000)
  local span = NSTime.new(math.floor((record.latency - rest) / 1000000000), math.floor(rest))
  under:add(C.time, tvb(24, 8), span):set_generated()
end

-- Frames by the resource that they are about, from the first pass through a file.
local links = { last = {}, previous = {}, next = {} }

function bpmp.init()
  links = { last = {}, previous = {}, next = {} }
end

local function link(record, pinfo, tree)
  local _, _, info = look(record.mrq, record.tx)
  local number = pinfo.number
  if info and info.i and info.i[2] + info.i[3] <= #record.tx and not pinfo.visited then
    local key = record.vm .. "\0" .. info.i[1] .. "\0" .. whole(little(record.tx, info.i[2], info.i[3]))
    local before = links.last[key]
    if before and before < number then
      links.previous[number], links.next[before] = before, number
    end
    links.last[key] = number
  end
  if links.previous[number] then tree:add(PREVIOUS, links.previous[number]):set_generated() end
  if links.next[number] then tree:add(NEXT, links.next[number]):set_generated() end
end

local function dissect(tvb, pinfo, tree)
  pinfo.cols.protocol = "BPMP"
  local root = tree:add(bpmp, tvb())
  local record, reason = read_header(tvb)
  if record == nil then
    pinfo.cols.info = "Damaged record: " .. reason
    root:append_text(", damaged: " .. reason)
    root:add_proto_expert_info(E.damaged, "Damaged record: " .. reason)
    return tvb:len()
  end
  pinfo.cols.src = record.vm
  pinfo.cols.dst = "BPMP"
  add_record(record, root)
  local line = add_request(record, root)
  add_decision(record, root)
  add_reply(record, root)
  link(record, pinfo, root)
  root:append_text(", " .. line .. ": " .. record.verdict)
  pinfo.cols.info = line .. ": " .. record.verdict .. ", " .. ret_text(record.ret)
  return tvb:len()
end

-- USER0 may be others' too: what does not begin with the magic is left to who had it before.
local encapsulations = DissectorTable.get("wtap_encap")
local user0 = (rawget(_G, "wtap_encaps") or rawget(_G, "wtap") or {}).USER0 or 45
local others = encapsulations:get_dissector(user0)

function bpmp.dissector(tvb, pinfo, tree)
  if tvb:len() >= 5 and tvb(0, 4):uint() == 0x42504d50 then return dissect(tvb, pinfo, tree) end
  if others then return others:call(tvb, pinfo, tree) end
  return 0
end

encapsulations:add(user0, bpmp)
`;
