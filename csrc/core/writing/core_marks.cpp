#include "core/writing/core_marks.hpp"

#include <algorithm>

#include "core/writing/record_copier.hpp"

namespace btfmmap::writing {

using core_relo::MemberStep;
using core_relo::Outcome;
using core_relo::Relocation;
using core_relo::ReloKind;
using core_relo::Status;
using std::uint32_t;

namespace {

// The kinds that fields, types and enums lead to. Records of others are never part of a match.
bool may_be_needed(Kind kind) {
    switch (kind) {
        case Kind::Void:
        case Kind::Func:
        case Kind::Var:
        case Kind::Datasec:
        case Kind::DeclTag:
            return false;
        default:
            return shape_of(kind).known;
    }
}

// Whether a relocation fails because of the types of the target, or cannot be evaluated there.
bool fails(const Outcome& outcome) {
    const bool of_instruction = outcome.failure.reason >= core_relo::Reason::no_section;
    return outcome.status == Status::ambiguous || outcome.status == Status::not_judged ||
           (outcome.status == Status::error && !of_instruction);
}

// Writes a struct or union with those of its members that are marked.
void write_composite(const TypeRecord& record, const std::vector<bool>& members, RecordCopier& copier,
                     const IdMap& ids, Draft& draft) {
    Head head = head_of(record);
    const bool had_flag = head.flag;
    head.flag = false;
    head.vlen = 0;
    head.name_off = copier.name(head.name_off);
    std::vector<uint32_t> words;
    for (uint32_t number = 0; number != members.size(); ++number) {
        if (!members[number]) {
            continue;
        }
        const std::byte* element = record.element(number);
        const uint32_t word = record.load(element + MemberField::offset);
        words.push_back(copier.name(record.load(element + MemberField::name_off)));
        words.push_back(ids[record.valid_or_void(record.load(element + MemberField::type))]);
        words.push_back(word);
        head.flag |= member_bitfield_size(word, had_flag) != 0;
        ++head.vlen;
    }
    std::copy(words.begin(), words.end(), draft.add(head, words.size()));
}

}  // namespace

CoreMarks::CoreMarks(const Btf& kernel) : kernel_(kernel), needs_(kernel.index().end_id()) {}

void CoreMarks::add(const core_relo::Object& object, const core_relo::Target& target,
                    const std::vector<Outcome>& outcomes) {
    const auto& relocations = object.relocations();
    core_relo::Budget budget(relocations.size());
    for (std::size_t number = 0; number != relocations.size(); ++number) {
        const Relocation& relocation = relocations[number];
        const Outcome& outcome = outcomes[number];
        if (relocation.kind == ReloKind::TypeIdLocal || relocation.failure) {
            continue;
        }
        if (outcome.candidate != 0 && outcome.source == 0 && !fails(outcome)) {
            mark_candidate(object, relocation, outcome.candidate, budget);
        } else if (const core_relo::Group& group = object.groups()[relocation.group];
                   fails(outcome) && !group.failure) {
            for (const core_relo::Candidate& each : target.candidates(group.essential, group.kind)) {
                if (each.source == 0) {
                    mark_candidate(object, relocation, each.id, budget);
                }
            }
        }
    }
}

void CoreMarks::mark_candidate(const core_relo::Object& object, const Relocation& relocation,
                               uint32_t candidate, core_relo::Budget& budget) {
    steps_.clear();
    budget.start();
    const core_relo::Match match = core_relo::match_candidate(object.btf(), relocation.kind, relocation.path,
                                                              kernel_, candidate, budget, &steps_);
    if (!match.found && match.failure.error == 0) {
        return;
    }
    if (relocation.kind == ReloKind::TypeMatches) {
        mark(candidate, whole);
    } else if (core_relo::is_type(relocation.kind)) {
        mark(candidate, along_pointers);
    } else {
        mark(candidate, kept);
    }
    for (const MemberStep& step : steps_) {
        const TypeRecord record(kernel_, step.type);
        std::vector<bool>& members = members_of(record);
        if (!members[step.number]) {
            members[step.number] = true;
            mark(record.element_type(step.number, MemberField::type), kept);
        }
    }
}

// Marks a type and what it needs.
void CoreMarks::mark(uint32_t type, Need need) {
    mark_pending(type, need);
    while (!pending_.empty()) {
        const Pending next = pending_.back();
        pending_.pop_back();
        mark_references(TypeRecord(kernel_, next.type), next.need);
    }
}

void CoreMarks::mark_pending(uint32_t type, Need need) {
    if (type == 0 || (needs_[type] & need) != 0 || !may_be_needed(kernel_.index().kind_of(type))) {
        return;
    }
    needs_[type] |= need;
    pending_.push_back({type, need});
}

void CoreMarks::mark_references(const TypeRecord& record, Need need) {
    const bool matches = need == whole || need == whole_behind_pointer;
    // What a pointer leads to in a match stays behind it until an array or a prototype.
    const Need inner = need == whole_behind_pointer ? whole : need;
    switch (record.kind()) {
        case Kind::Struct:
        case Kind::Union:
            if (need == whole) {
                mark_members(record);
            }
            break;
        case Kind::Ptr:
            if (need != kept) {
                mark_pending(record.target(), matches ? whole_behind_pointer : need);
            }
            break;
        case Kind::Typedef:
        case Kind::Volatile:
        case Kind::Const:
        case Kind::Restrict:
        case Kind::TypeTag:
            mark_pending(record.target(), need);
            break;
        case Kind::Array:
            mark_pending(record.target(), inner);
            mark_pending(record.valid_or_void(record.word(kHeadSize + ArrayField::index_type)), inner);
            break;
        case Kind::FuncProto:
            mark_pending(record.target(), inner);
            for (uint32_t number = 0; number != record.elements(); ++number) {
                mark_pending(record.element_type(number, ParamField::type), inner);
            }
            break;
        default:
            break;
    }
}

void CoreMarks::mark_members(const TypeRecord& record) {
    std::vector<bool>& members = members_of(record);
    for (uint32_t number = 0; number != members.size(); ++number) {
        members[number] = true;
        mark_pending(record.element_type(number, MemberField::type), whole);
    }
}

std::vector<bool>& CoreMarks::members_of(const TypeRecord& record) {
    std::vector<bool>& members = members_[record.id];
    members.resize(record.elements());
    return members;
}

std::vector<std::byte> CoreMarks::write(ByteOrder order) const {
    Draft draft(order, nullptr);
    IdMap ids(needs_.size(), 0);
    uint32_t next = draft.next_id();
    for (uint32_t id = 0; id != needs_.size(); ++id) {
        if (needs_[id] != 0) {
            ids[id] = next++;
        }
    }
    RecordCopier copier(kernel_, draft, RecordCopier::Names::pooled);
    static const std::vector<bool> no_members;
    for (uint32_t id = 0; id != needs_.size(); ++id) {
        if (needs_[id] == 0) {
            continue;
        }
        const TypeRecord record(kernel_, id);
        if (is_composite(record.kind())) {
            const auto members = members_.find(id);
            write_composite(record, members == members_.end() ? no_members : members->second, copier, ids,
                            draft);
        } else {
            copier.copy(id, ids);
        }
    }
    return draft.build();
}

}  // namespace btfmmap::writing
