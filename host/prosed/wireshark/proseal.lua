-- Shows ProSeal's frames (docs/packet.md) in Wireshark and tshark. Keys are not its business: what is enciphered
-- stays so.
--
--   tshark -X lua_script:proseal.lua -r capture.pcap
--
-- A frame does not say its suite, which the sequence number's length and the tag's hang on: it is `aead` or
-- `integrity`, or `3gpp` for the groups of preference proseal.groups_3gpp.

local DEFAULT_PORT = 46360
local ADDRESSES, PDU = 7, 3
local KINDS = { [0] = "data", [1] = "object" }
local SDU_TYPES = { [0] = "IP", [1] = "ARP", [2] = "PC5 signalling", [3] = "other" }

local proseal = Proto("proseal", "ProSeal one-to-many frame")

proseal.prefs.port = Pref.uint("UDP port", DEFAULT_PORT, "Where prosed sends")
proseal.prefs.groups_3gpp = Pref.string("Groups of suite 3gpp", "", "Group ids, such as 0a0b0c, with commas between")

local fields = {
    version = ProtoField.uint8("proseal.version", "Version", base.DEC, nil, 0xf0),
    kind = ProtoField.uint8("proseal.kind", "Kind", base.DEC, KINDS, 0x0c),
    extended = ProtoField.bool("proseal.extended", "With epoch extension", 8, nil, 0x02),
    reserved = ProtoField.uint8("proseal.reserved", "Reserved", base.DEC, nil, 0x01),
    group = ProtoField.bytes("proseal.group", "Destination group"),
    member = ProtoField.bytes("proseal.member", "Source member"),
    sdu_type = ProtoField.uint8("proseal.sdu_type", "SDU type", base.DEC, SDU_TYPES, 0xe0),
    index = ProtoField.uint8("proseal.index", "PGK index", base.DEC, nil, 0x1f),
    ptk_id = ProtoField.uint16("proseal.ptk_id", "PTK Id"),
    sn = ProtoField.uint32("proseal.sn", "Sequence number"),
    salt = ProtoField.bytes("proseal.salt", "Epoch salt"),
    admission = ProtoField.bytes("proseal.admission", "Admission tag"),
    body = ProtoField.bytes("proseal.body", "Ciphertext, or payload in clear"),
    tag = ProtoField.bytes("proseal.tag", "Tag"),
    object = ProtoField.bytes("proseal.object", "Signed object (COSE)"),
}
proseal.fields = fields

local short = ProtoExpert.new("proseal.short", "Shorter than its header says", expert.group.MALFORMED, expert.severity.ERROR)
local unknown = ProtoExpert.new("proseal.unknown", "No version or kind of docs/packet.md", expert.group.UNDECODED,
    expert.severity.WARN)
proseal.experts = { short, unknown }

local groups_3gpp = {}

local function is_3gpp(group)
    return groups_3gpp[group:bytes():tohex(true)] == true
end

local function object(buffer, info, tree)
    local signed = buffer(ADDRESSES)
    info.cols.info = "object"
    tree:add(fields.object, signed)
    Dissector.get("cbor"):call(signed:tvb(), info, tree)
end

local function data(buffer, info, tree, is_extended)
    local narrow = is_3gpp(buffer(1, 3))
    local sn_at, sn_length, tag_length = ADDRESSES + PDU, narrow and 2 or 4, narrow and 4 or 16
    local at = sn_at + sn_length
    local body_at = at + (is_extended and 16 or 0)
    if buffer:len() < body_at + tag_length then
        tree:add_proto_expert_info(short)
        return
    end
    tree:add(fields.sdu_type, buffer(7, 1))
    tree:add(fields.index, buffer(7, 1))
    tree:add(fields.ptk_id, buffer(8, 2))
    -- The low half stands before the high one.
    local sn = buffer(sn_at, 2):uint() + (narrow and 0 or buffer(sn_at + 2, 2):uint() * 65536)
    tree:add(fields.sn, buffer(sn_at, sn_length), sn)
    if is_extended then
        tree:add(fields.salt, buffer(at, 8))
        tree:add(fields.admission, buffer(at + 8, 8))
    end
    local tag_at = buffer:len() - tag_length
    if tag_at > body_at then
        tree:add(fields.body, buffer(body_at, tag_at - body_at))
    end
    tree:add(fields.tag, buffer(tag_at, tag_length))
    info.cols.info = string.format("data, index %d, PTK Id %d, SN %d%s", buffer(7, 1):uint() % 32, buffer(8, 2):uint(),
        sn, is_extended and ", extension" or "")
end

function proseal.dissector(buffer, info, root)
    info.cols.protocol = "ProSeal"
    local tree = root:add(proseal, buffer())
    if buffer:len() < ADDRESSES then
        tree:add_proto_expert_info(short)
        return
    end
    for _, name in ipairs({ "version", "kind", "extended", "reserved" }) do
        tree:add(fields[name], buffer(0, 1))
    end
    tree:add(fields.group, buffer(1, 3))
    tree:add(fields.member, buffer(4, 3))
    local first = buffer(0, 1)
    local version, kind, is_extended = first:bitfield(0, 4), first:bitfield(4, 2), first:bitfield(6, 1) == 1
    if version == 1 and kind == 0 then
        data(buffer, info, tree, is_extended)
    elseif version == 1 and kind == 1 and buffer:len() > ADDRESSES then
        object(buffer, info, tree)
    else
        tree:add_proto_expert_info(unknown)
    end
end

local by_port, port = DissectorTable.get("udp.port"), DEFAULT_PORT
by_port:add(port, proseal)

function proseal.prefs_changed()
    by_port:remove(port, proseal)
    port = proseal.prefs.port
    by_port:add(port, proseal)
    groups_3gpp = {}
    for group in proseal.prefs.groups_3gpp:gmatch("%x+") do
        groups_3gpp[group:lower()] = true
    end
end
