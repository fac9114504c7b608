#include "core/writing/distill.hpp"

#include <string>
#include <utility>

#include "core/base/error.hpp"
#include "core/index/references.hpp"

namespace btfmmap::writing {

namespace {

using std::uint32_t;

// Where a type of the old base goes.
enum class Place : std::uint8_t {
    dropped,
    base,   // as it is
    sized,  // to the base, without its elements
    split,
};

class Distillation {
public:
    explicit Distillation(const Btf& btf)
        : btf_(btf),
          first_own_(btf.index().first_id()),
          places_(first_own_, Place::dropped),
          ids_(btf.index().end_id(), kDropped) {
        ids_[0] = 0;
    }

    Distilled run() {
        for (uint32_t id = first_own_; id != ids_.size(); ++id) {
            take_references(id);
        }
        while (!pending_.empty()) {
            const uint32_t id = pending_.back();
            pending_.pop_back();
            take_references(id);
        }
        std::vector<std::byte> base = write_base();
        std::vector<std::byte> split = write_split(base);
        return {std::move(base), std::move(split), std::move(ids_)};
    }

private:
    void take_references(uint32_t id) {
        const TypeRecord record(btf_, id);
        check_known(record);
        each_reference(*record.index, record.row, [&](Reference reference, const std::byte* word) {
            if (reference == Reference::type) {
                take(record, record.load(word));
            }
        });
    }

    void take(const TypeRecord& from, uint32_t id) {
        if (id == 0 || id >= first_own_ || places_[id] != Place::dropped) {
            return;
        }
        const TypeRecord record(btf_, id);
        places_[id] = place_of(from, record);
        // The elements of a named struct are left out, and with them what they refer to.
        if (places_[id] == Place::split) {
            pending_.push_back(id);
        }
    }

    static Place place_of(const TypeRecord& from, const TypeRecord& record) {
        const bool named = record.index->name_off(record.row) != 0;
        switch (record.kind()) {
            case Kind::Int:
            case Kind::Float:
            case Kind::Fwd:
                return Place::base;
            case Kind::Struct:
            case Kind::Union:
            case Kind::Enum:
            case Kind::Enum64:
                return named ? Place::sized : Place::split;
            case Kind::Array:
            case Kind::Typedef:
            case Kind::Ptr:
            case Kind::Const:
            case Kind::Restrict:
            case Kind::Volatile:
            case Kind::FuncProto:
            case Kind::TypeTag:
                return Place::split;
            default: {
                Error error = Error::not_supported("type [" + std::to_string(from.id) + "] refers to type [" +
                                                   std::to_string(record.id) +
                                                   "] of the base, whose kind cannot be distilled");
                error.type_id = from.id;
                throw error;
            }
        }
    }

    std::vector<std::byte> write_base() {
        Draft draft(btf_.header().order, nullptr);
        RecordCopier copier(btf_, draft, RecordCopier::Names::pooled);
        for (uint32_t id = 1; id < first_own_; ++id) {
            if (places_[id] != Place::base && places_[id] != Place::sized) {
                continue;
            }
            ids_[id] = draft.next_id();
            if (places_[id] == Place::base) {
                copier.copy(id, ids_);
                continue;
            }
            const Head head = head_of(TypeRecord(btf_, id));
            // An ENUM stands for an ENUM64, too.
            const Kind kind = is_enum(head.kind) ? Kind::Enum : head.kind;
            draft.add({kind, false, 0, copier.name(head.name_off), head.size_or_type}, 0);
        }
        return draft.build();
    }

    std::vector<std::byte> write_split(const std::vector<std::byte>& base) {
        const Mapping mapping = Mapping::borrow({base.data(), base.size()}, nullptr, How::read);
        Draft draft(btf_.header().order, std::make_shared<const Btf>(mapping, "distilled base", nullptr, 0));
        uint32_t next = draft.next_id();
        std::vector<uint32_t> written;
        for (uint32_t id = first_own_; id != ids_.size(); ++id) {
            written.push_back(id);
        }
        for (uint32_t id = 1; id < first_own_; ++id) {
            if (places_[id] == Place::split) {
                written.push_back(id);
            }
        }
        for (const uint32_t id : written) {
            ids_[id] = next++;
        }
        RecordCopier copier(btf_, draft, RecordCopier::Names::pooled);
        for (const uint32_t id : written) {
            copier.copy(id, ids_);
        }
        return draft.build();
    }

    const Btf& btf_;
    uint32_t first_own_;
    std::vector<Place> places_;  // of the types of the old base
    std::vector<uint32_t> pending_;
    IdMap ids_;
};

}  // namespace

Distilled distill(const std::shared_ptr<const Btf>& btf) {
    if (btf->base() == nullptr) {
        throw Error::not_supported("the BTF stands alone, only a split BTF has a base to distill");
    }
    return Distillation(*btf).run();
}

}  // namespace btfmmap::writing
