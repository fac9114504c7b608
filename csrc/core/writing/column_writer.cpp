#include "core/writing/column_writer.hpp"

#include <string>
#include <unordered_map>

#include "core/base/error.hpp"
#include "core/base/seeded_hash.hpp"
#include "core/format/kind_text.hpp"

namespace btfmmap::writing {

namespace {

using std::uint32_t;
using std::uint8_t;

constexpr std::size_t kWord = sizeof(uint32_t);

constexpr std::size_t word_of(std::size_t field) { return field / kWord; }

Error refused(std::string message) { return Error::invalid_argument(std::move(message)); }

// Maps the IDs of the column `id` to new ones.
class NewIds {
public:
    NewIds(const TypeColumns& types, const Draft& draft) : draft_end_(draft.next_id()) {
        new_ids_.reserve(types.rows);
        uint32_t next = draft_end_;
        for (std::size_t row = 0; row != types.rows; ++row) {
            new_ids_.push_back(types.kind[row] == static_cast<uint8_t>(Kind::Void) ? 0 : next++);
        }
        first_ = types.rows == 0 ? 0 : types.id[0];
        for (std::size_t row = 0; row != types.rows; ++row) {
            consecutive_ = consecutive_ && types.id[row] - first_ == row;
        }
        if (!consecutive_) {
            for (std::size_t row = 0; row != types.rows; ++row) {
                if (!rows_.try_emplace(types.id[row], static_cast<uint32_t>(row)).second) {
                    throw refused("types: the ID " + std::to_string(types.id[row]) + " is there twice");
                }
            }
        }
    }

    uint32_t of(uint32_t type_id) const {
        if (consecutive_) {
            const uint32_t row = type_id - first_;
            if (row < new_ids_.size()) {
                return new_ids_[row];
            }
        } else if (const auto found = rows_.find(type_id); found != rows_.end()) {
            return new_ids_[found->second];
        }
        if (type_id >= draft_end_) {
            throw refused("refers to type [" + std::to_string(type_id) + "], which is not among the types");
        }
        return type_id;
    }

    std::vector<uint32_t>& all() { return new_ids_; }

private:
    uint32_t draft_end_;
    uint32_t first_;
    bool consecutive_ = true;
    std::unordered_map<uint32_t, uint32_t, SeededHash> rows_;
    std::vector<uint32_t> new_ids_;
};

class ColumnWriter {
public:
    ColumnWriter(const TableColumns& tables, Draft& draft)
        : tables_(tables), draft_(draft), ids_(tables.types, draft) {}

    std::vector<uint32_t> run() {
        const uint32_t first = draft_.next_id();
        try {
            for (std::size_t row = 0; row != tables_.types.rows; ++row) {
                write_row(row);
            }
            check_all_written();
        } catch (...) {
            draft_.truncate(first);
            throw;
        }
        return std::move(ids_.all());
    }

private:
    // The elements of one record.
    struct Elements {
        const ElementColumns* columns = nullptr;
        std::size_t first = 0, end = 0;

        std::size_t count() const { return end - first; }
    };

    void write_row(std::size_t row) {
        added_ = false;
        const TypeColumns& types = tables_.types;
        const auto kind = static_cast<Kind>(types.kind[row]);
        if (kind == Kind::Void) {
            return;
        }
        if (types.kind[row] >= kMaxKinds) {
            throw refused("types: row " + std::to_string(row) + " has the kind " +
                          std::to_string(types.kind[row]) + ", the last one is " +
                          std::to_string(kMaxKinds - 1));
        }
        Head head{kind, types.kind_flag != nullptr && types.kind_flag[row] != 0,
                  types.vlen == nullptr ? 0 : types.vlen[row], 0, types.size_or_type[row]};
        try {
            if (!shape_of(kind).known) {
                throw refused("tables do not have the contents of this kind");
            }
            head.name_off = name(types.names, row);
            if (shape_of(kind).head_refers) {
                head.size_or_type = ids_.of(head.size_or_type);
            }
            if (kind == Kind::Func) {
                set_linkage(head);
            }
            write_record(head, elements_of(kind, row));
        } catch (Error& error) {
            // Draft::add() describes the record itself.
            const std::string record = draft_.described(draft_.next_id() - (added_ ? 1 : 0), head);
            if (error.message.compare(0, record.size(), record) != 0) {
                error.message = record + ": " + error.message;
            }
            throw;
        }
    }

    // Elements of a record whose shape has some.
    Elements elements_of(Kind kind, std::size_t row) {
        const ElementColumns* columns = nullptr;
        switch (kind) {
            case Kind::Struct:
            case Kind::Union:
                columns = &tables_.members;
                break;
            case Kind::FuncProto:
                columns = &tables_.params;
                break;
            case Kind::Enum:
            case Kind::Enum64:
                columns = &tables_.enumerators;
                break;
            case Kind::Datasec:
                columns = &tables_.secinfos;
                break;
            default:
                return {};
        }
        if (columns->rows == 0) {
            return {columns, 0, 0};
        }
        const std::size_t first = columns->indptr[row], end = columns->indptr[row + 1];
        if (first > end || end > columns->rows) {
            throw refused("has the elements " + std::to_string(first) + " to " + std::to_string(end) +
                          " of " + std::to_string(columns->rows));
        }
        return {columns, first, end};
    }

    void write_record(Head& head, const Elements& elements) {
        const Shape& shape = shape_of(head.kind);
        if (shape.element != 0) {
            if (tables_.types.vlen != nullptr && head.vlen != elements.count()) {
                throw refused("has " + std::to_string(head.vlen) + " elements by its vlen, but " +
                              std::to_string(elements.count()) + " in their table");
            }
            if (elements.count() > kMaxVlen) {
                throw refused("has " + std::to_string(elements.count()) + " elements, at most " +
                              std::to_string(kMaxVlen) + " are possible");
            }
            head.vlen = static_cast<uint32_t>(elements.count());
            set_flag(head, elements);
        }
        uint32_t* to = draft_.add(head, (shape.fixed + elements.count() * shape.element) / kWord);
        added_ = true;
        switch (head.kind) {
            case Kind::Struct:
            case Kind::Union:
                return write_members(head, elements, to);
            case Kind::FuncProto:
                return write_params(elements, to);
            case Kind::Enum:
            case Kind::Enum64:
                return write_enumerators(head.kind, elements, to);
            case Kind::Datasec:
                return write_secinfos(elements, to);
            case Kind::Int:
                return write_fixed(tables_.ints, next_int_, 1, 0, to);
            case Kind::Array:
                return write_fixed(tables_.arrays, next_array_, 3, shape.fixed_types, to);
            case Kind::Var:
                return write_fixed(tables_.vars, next_var_, 1, 0, to);
            case Kind::DeclTag:
                return write_fixed(tables_.decl_tags, next_tag_, 1, 0, to);
            default:
                return;
        }
    }

    void set_flag(Head& head, const Elements& elements) const {
        if (tables_.types.kind_flag != nullptr) {
            return;
        }
        const ElementColumns& columns = *elements.columns;
        const uint8_t* column = is_enum(head.kind) ? columns.is_signed : columns.bitfield_size;
        for (std::size_t row = elements.first; column != nullptr && row != elements.end; ++row) {
            head.flag |= column[row] != 0;
        }
    }

    void set_linkage(Head& head) {
        const FixedColumns& funcs = tables_.funcs;
        if (funcs.rows == 0) {
            return;
        }
        const uint32_t linkage = next_row(funcs, next_func_++, 0);
        // The table has 255 for all that is larger.
        if (tables_.types.vlen == nullptr) {
            head.vlen = linkage;
        } else if (std::min<uint32_t>(head.vlen, UINT8_MAX) != linkage) {
            throw refused("has the linkage " + std::to_string(head.vlen) + " by its vlen, but " +
                          std::to_string(linkage) + " in the table of functions");
        }
    }

    void write_members(const Head& head, const Elements& elements, uint32_t* to) {
        const ElementColumns& columns = *elements.columns;
        for (std::size_t row = elements.first; row != elements.end; ++row, to += word_of(12)) {
            const uint32_t bit_offset = columns.bit_offset[row];
            const uint32_t bits = columns.bitfield_size == nullptr ? 0 : columns.bitfield_size[row];
            if (!head.flag && bits != 0) {
                throw refused("member " + std::to_string(row - elements.first) +
                              " is a bitfield, but the kind flag is not set");
            }
            if (head.flag && bit_offset != member_bit_offset(bit_offset, true)) {
                throw refused("member " + std::to_string(row - elements.first) + " is at bit " +
                              std::to_string(bit_offset) + ", at most " +
                              std::to_string(member_bit_offset(UINT32_MAX, true)) +
                              " is possible if a struct has bitfields");
            }
            to[word_of(MemberField::name_off)] = name(columns.names, row);
            to[word_of(MemberField::type)] = ids_.of(columns.type[row]);
            to[word_of(MemberField::offset)] = bits << kBitfieldSizeBit | bit_offset;
        }
    }

    void write_params(const Elements& elements, uint32_t* to) {
        const ElementColumns& columns = *elements.columns;
        for (std::size_t row = elements.first; row != elements.end; ++row, to += word_of(8)) {
            to[word_of(ParamField::name_off)] = name(columns.names, row);
            to[word_of(ParamField::type)] = ids_.of(columns.type[row]);
        }
    }

    void write_enumerators(Kind kind, const Elements& elements, uint32_t* to) {
        const ElementColumns& columns = *elements.columns;
        const bool wide = kind == Kind::Enum64;
        for (std::size_t row = elements.first; row != elements.end; ++row) {
            const std::int64_t value = columns.value[row];
            if (!wide && (value < INT32_MIN || value > std::int64_t{UINT32_MAX})) {
                throw refused("enumerator " + std::to_string(row - elements.first) + " has the value " +
                              std::to_string(value) + ", which needs an ENUM64");
            }
            to[word_of(EnumField::name_off)] = name(columns.names, row);
            to[word_of(EnumField::value)] = static_cast<uint32_t>(value);
            if (wide) {
                to[word_of(EnumField::value_high)] =
                    static_cast<uint32_t>(static_cast<std::uint64_t>(value) >> 32);
            }
            to += shape_of(kind).element / kWord;
        }
    }

    void write_secinfos(const Elements& elements, uint32_t* to) {
        const ElementColumns& columns = *elements.columns;
        for (std::size_t row = elements.first; row != elements.end; ++row, to += word_of(12)) {
            to[word_of(SecinfoField::type)] = ids_.of(columns.type[row]);
            to[word_of(SecinfoField::offset)] = columns.offset[row];
            to[word_of(SecinfoField::size)] = columns.size[row];
        }
    }

    // The first `types` of the words are type IDs.
    void write_fixed(const FixedColumns& columns, std::size_t& next, std::size_t words, std::size_t types,
                     uint32_t* to) const {
        for (std::size_t word = 0; word != words; ++word) {
            const uint32_t value = next_row(columns, next, word);
            to[word] = word < types ? ids_.of(value) : value;
        }
        ++next;
    }

    static uint32_t next_row(const FixedColumns& columns, std::size_t row, std::size_t word) {
        if (row >= columns.rows) {
            throw refused("has no row in the table of its kind");
        }
        return columns.words[word][row];
    }

    uint32_t name(const NameColumn& column, std::size_t row) {
        if (column.offsets == nullptr) {
            return 0;
        }
        const uint32_t offset = column.offsets[row];
        if (column.strings == nullptr || offset == 0) {
            return offset;
        }
        auto& known = offsets_[column.strings];
        const auto [found, added] = known.try_emplace(offset, 0);
        if (added) {
            if (offset >= column.strings->end()) {
                known.erase(found);
                throw refused("has the name offset " + std::to_string(offset) + ", past the " +
                              std::to_string(column.strings->end()) + " bytes of strings");
            }
            found->second = draft_.strings().add(column.strings->at(offset));
        }
        return found->second;
    }

    void check_all_written() const {
        check_rows("ints", tables_.ints.rows, next_int_);
        check_rows("arrays", tables_.arrays.rows, next_array_);
        check_rows("vars", tables_.vars.rows, next_var_);
        check_rows("decl_tags", tables_.decl_tags.rows, next_tag_);
        check_rows("funcs", tables_.funcs.rows, next_func_);
    }

    static void check_rows(const char* table, std::size_t rows, std::size_t written) {
        if (rows != written) {
            throw refused(std::string(table) + ": has " + std::to_string(rows) + " rows, but there are " +
                          std::to_string(written) + " types of its kind");
        }
    }

    const TableColumns& tables_;
    Draft& draft_;
    NewIds ids_;
    std::unordered_map<const Strings*, std::unordered_map<uint32_t, uint32_t, SeededHash>> offsets_;
    bool added_ = false;  // whether the draft has the current record already
    std::size_t next_int_ = 0, next_array_ = 0, next_var_ = 0, next_tag_ = 0, next_func_ = 0;
};

}  // namespace

std::vector<uint32_t> write_columns(const TableColumns& tables, Draft& draft) {
    return ColumnWriter(tables, draft).run();
}

}  // namespace btfmmap::writing
