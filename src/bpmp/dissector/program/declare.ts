/** Lua: what Wireshark has to know before the first packet. `FIELDS`, `CODES` and the tables are in front of it. */
export const declare = String.raw`
local bpmp = Proto("bpmp", "BPMP request")

local makers = {
  u = ProtoField.uint32,
  U = ProtoField.uint64,
  i = ProtoField.int32,
  I = ProtoField.int64,
}

local function make(kind, name, label, meaning)
  local maker = makers[kind]
  if maker then return maker(name, label, base.DEC, nil, nil, meaning) end
  if kind == "s" then return ProtoField.string(name, label, base.NONE, meaning) end
  if kind == "y" then return ProtoField.bytes(name, label, base.NONE, meaning) end
  if kind == "f" then return ProtoField.float(name, label, meaning) end
  if kind == "t" then return ProtoField.relative_time(name, label, meaning) end
  -- A bit: b, the bits of the number that it is in, and its own place.
  local width, bit = kind:match("^b(%d+):(%d+)$")
  return ProtoField.bool(name, label, tonumber(width), nil, 2 ^ tonumber(bit), meaning)
end

-- F: fields by number; C: the common ones by name.
local F, C, all = {}, {}, {}
for kind, name, label, meaning in FIELDS:gmatch("([^\t\n]+)\t([^\t]+)\t([^\t]+)\t([^\n]+)\n") do
  local field = make(kind, "bpmp." .. name, label, meaning)
  F[#F + 1] = field
  C[name] = field
  all[#all + 1] = field
end

local PREVIOUS = ProtoField.framenum("bpmp.previous", "Transfer before on the same resource", base.NONE)
local NEXT = ProtoField.framenum("bpmp.next", "Next transfer on the same resource", base.NONE)
all[#all + 1] = PREVIOUS
all[#all + 1] = NEXT
bpmp.fields = all

local function note(name, text, group, severity)
  return ProtoExpert.new("bpmp.expert." .. name, text, group, severity)
end

local E = {
  denied = note("denied", "Denied", expert.group.SECURITY, expert.severity.WARN),
  hidden = note("hidden", "Denied what the view hides", expert.group.SECURITY, expert.severity.CHAT),
  absorbed = note("absorbed", "Absorbed", expert.group.SECURITY, expert.severity.NOTE),
  malformed = note("malformed", "Malformed request", expert.group.MALFORMED, expert.severity.ERROR),
  malformed_reply = note("malformed_reply", "Malformed reply", expert.group.MALFORMED, expert.severity.WARN),
  unknown = note("unknown", "Unknown request", expert.group.UNDECODED, expert.severity.NOTE),
  refused = note("refused", "Error of the firmware's", expert.group.RESPONSE_CODE, expert.severity.NOTE),
  damaged = note("damaged", "Damaged record", expert.group.MALFORMED, expert.severity.ERROR),
}
local experts = {}
for _, entry in pairs(E) do experts[#experts + 1] = entry end
bpmp.experts = experts
`;
