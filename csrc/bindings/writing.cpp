#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bindings/core_relo.hpp"
#include "bindings/integers.hpp"
#include "bindings/register.hpp"
#include "bindings/text.hpp"
#include "bindings/view.hpp"
#include "core/base/error.hpp"
#include "core/input/file.hpp"
#include "core/writing/column_writer.hpp"
#include "core/writing/core_marks.hpp"
#include "core/writing/distill.hpp"
#include "core/writing/draft.hpp"
#include "core/writing/merge.hpp"
#include "core/writing/reorder.hpp"
#include "core/writing/selection.hpp"

namespace py = pybind11;

namespace btfmmap::bindings {

namespace {

using writing::Closure;
using writing::Draft;
using writing::Selection;
using BtfPtr = std::shared_ptr<Btf>;

ByteOrder order_of(bool big_endian) { return big_endian ? ByteOrder::big : ByteOrder::little; }

// Returns a file that owns its bytes.
File file_of(std::vector<std::byte> bytes, const std::string& name) {
    const auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
    return File::of(Mapping::borrow({owner->data(), owner->size()}, owner, How::read), name);
}

// A BTF that is being written, for use from several threads.
class LockedDraft {
public:
    LockedDraft(bool big_endian, const BtfPtr& base, bool layout)
        : draft_(order_of(big_endian), base,
                 layout ? writing::known_layout() : std::vector<writing::LayoutEntry>()) {}

    // Calls `work(draft)`. The GIL is not needed while another thread works.
    template <class Work>
    auto locked(Work work) {
        const py::gil_scoped_release unlocked;
        const std::lock_guard<std::mutex> lock(mutex_);
        return work(draft_);
    }

    Selection& selection(const BtfPtr& source) {
        return selections_.try_emplace(source, *source, draft_).first->second;
    }

private:
    std::mutex mutex_;
    Draft draft_;
    std::map<BtfPtr, Selection> selections_;
};

// Returns a number of 32 bits. A negative one is refused.
std::uint32_t to_u32(py::handle number) {
    const std::int64_t value = to_integer(number);
    if (value < 0 || value > std::int64_t{UINT32_MAX}) {
        throw Error::invalid_argument(py::str(number).cast<std::string>() +
                                      " does not fit an unsigned number of 32 bits");
    }
    return static_cast<std::uint32_t>(value);
}

// A word of a record; a text stands for its offset.
struct Word {
    std::uint32_t number;
    std::optional<std::string> text;
};

// Appends a record. `rest` has the words after its head; a str stands for its offset.
std::uint32_t add(LockedDraft& locked, std::uint8_t kind, py::handle name, bool flag, py::handle vlen,
                  py::handle size_or_type, const py::list& rest) {
    const std::string name_text(Text(name).view());
    const auto described = [&](Error error, std::uint32_t id) {
        error.message = writing::record_text(id, static_cast<Kind>(kind), name_text) + ": " + error.message;
        return error;
    };
    writing::Head head{static_cast<Kind>(kind), flag};
    std::vector<Word> words;
    words.reserve(rest.size());
    try {
        head.vlen = to_u32(vlen);
        head.size_or_type = to_u32(size_or_type);
        for (const py::handle item : rest) {
            if (PyUnicode_Check(item.ptr())) {
                words.push_back({0, std::string(Text(item).view())});
            } else {
                words.push_back({to_u32(item), std::nullopt});
            }
        }
    } catch (const Error& error) {
        throw described(error, locked.locked([](Draft& draft) { return draft.next_id(); }));
    }
    return locked.locked([&](Draft& draft) {
        const std::uint32_t id = draft.next_id();
        try {
            head.name_off = draft.strings().add(name_text);
            for (Word& word : words) {
                if (word.text) {
                    word.number = draft.strings().add(*word.text);
                }
            }
        } catch (const Error& error) {
            throw described(error, id);
        }
        std::uint32_t* to = draft.add(head, words.size());
        for (const Word& word : words) {
            *to++ = word.number;
        }
        return id;
    });
}

// Adds types of another BTF. Returns their new IDs in the order of `ids`.
View add_types(LockedDraft& locked, const BtfPtr& btf, const py::object& ids, unsigned closure) {
    std::vector<std::uint32_t> roots;
    for (const std::int64_t id : to_integers(ids)) {
        roots.push_back(btf->check_id(id));
    }
    return view_of(locked.locked([&](Draft&) {
        Selection& selection = locked.selection(btf);
        selection.add(roots, static_cast<Closure>(closure));
        std::vector<std::uint32_t> new_ids;
        for (const std::uint32_t root : roots) {
            new_ids.push_back(selection.ids()[root]);
        }
        return new_ids;
    }),
                   "I");
}

// Returns the new IDs of all types of a BTF, as far as they were added.
View ids_of(LockedDraft& locked, const BtfPtr& btf) {
    return view_of(locked.locked([&](Draft&) { return locked.selection(btf).ids(); }), "I");
}

// The columns of one table, as buffers that are held.
class Columns {
public:
    explicit Columns(const py::dict& columns) {
        for (const auto& [name, column] : columns) {
            const auto buffer = py::reinterpret_borrow<py::buffer>(column).request();
            if (buffer.ndim != 1 || (buffer.shape[0] > 1 && buffer.strides[0] != buffer.itemsize)) {
                throw py::value_error("a column is not contiguous");
            }
            buffers_.emplace(name.cast<std::string>(), std::move(const_cast<py::buffer_info&>(buffer)));
        }
    }

    // Returns a column, or nullptr if there is none. All columns must have `rows` rows.
    template <class T>
    const T* find(const char* name, std::size_t rows) const {
        const auto found = buffers_.find(name);
        if (found == buffers_.end()) {
            return nullptr;
        }
        const py::buffer_info& buffer = found->second;
        if (buffer.itemsize != sizeof(T) || static_cast<std::size_t>(buffer.shape[0]) != rows) {
            throw py::value_error("the column " + std::string(name) + " has another size");
        }
        return static_cast<const T*>(buffer.ptr);
    }

    template <class T>
    const T* get(const char* name, std::size_t rows) const {
        const T* column = find<T>(name, rows);
        if (column == nullptr) {
            throw py::value_error("the column " + std::string(name) + " is missing");
        }
        return column;
    }

    std::size_t rows(const char* name) const {
        const auto found = buffers_.find(name);
        return found == buffers_.end() ? 0 : static_cast<std::size_t>(found->second.shape[0]);
    }

private:
    std::map<std::string, py::buffer_info> buffers_;
};

// All tables that are written, and the strings that their names refer to.
class Tables {
public:
    // `strings` has, for tables whose names do not refer to the draft's strings, a Btf or a buffer.
    Tables(const py::dict& tables, const py::dict& strings, const BtfPtr& base) {
        for (const auto& [name, columns] : tables) {
            columns_.emplace(name.cast<std::string>(), Columns(columns.cast<py::dict>()));
        }
        for (const auto& [name, source] : strings) {
            add_strings(name.cast<std::string>(), source, base);
        }
    }

    writing::TableColumns tables() const {
        using std::uint32_t;
        using std::uint8_t;
        writing::TableColumns tables;
        if (const Columns* types = find("types")) {
            const std::size_t rows = types->rows("kind");
            tables.types = {rows,
                            types->get<uint32_t>("id", rows),
                            types->get<uint8_t>("kind", rows),
                            types->find<uint8_t>("kind_flag", rows),
                            types->find<uint32_t>("vlen", rows),
                            types->get<uint32_t>("size_or_type", rows),
                            names("types", *types, rows)};
        }
        const std::size_t types = tables.types.rows;
        if (const Columns* members = elements("members", types, tables.members)) {
            const std::size_t rows = tables.members.rows;
            tables.members.type = members->get<uint32_t>("type", rows);
            tables.members.bit_offset = members->get<uint32_t>("bit_offset", rows);
            tables.members.bitfield_size = members->find<uint8_t>("bitfield_size", rows);
        }
        if (const Columns* params = elements("params", types, tables.params)) {
            tables.params.type = params->get<uint32_t>("type", tables.params.rows);
        }
        if (const Columns* enumerators = elements("enumerators", types, tables.enumerators)) {
            const std::size_t rows = tables.enumerators.rows;
            tables.enumerators.value = enumerators->get<std::int64_t>("value", rows);
            tables.enumerators.is_signed = enumerators->find<uint8_t>("signed", rows);
        }
        if (const Columns* secinfos = elements("secinfos", types, tables.secinfos)) {
            const std::size_t rows = tables.secinfos.rows;
            tables.secinfos.type = secinfos->get<uint32_t>("type", rows);
            tables.secinfos.offset = secinfos->get<uint32_t>("offset", rows);
            tables.secinfos.size = secinfos->get<uint32_t>("size", rows);
        }
        tables.ints = fixed("ints", {"word"});
        tables.arrays = fixed("arrays", {"type", "index_type", "nelems"});
        tables.vars = fixed("vars", {"linkage"});
        tables.decl_tags = fixed("decl_tags", {"component_idx"});
        tables.funcs = fixed("funcs", {"linkage"});
        return tables;
    }

private:
    const Columns* find(const std::string& table) const {
        const auto found = columns_.find(table);
        return found == columns_.end() ? nullptr : &found->second;
    }

    const Columns* elements(const char* table, std::size_t types, writing::ElementColumns& into) const {
        const Columns* columns = find(table);
        if (columns != nullptr) {
            into.rows = columns->rows("row");
            into.indptr = columns->get<std::uint32_t>("indptr", types + 1);
            into.names = names(table, *columns, into.rows);
        }
        return columns;
    }

    writing::FixedColumns fixed(const char* table, std::initializer_list<const char*> words) const {
        writing::FixedColumns fixed;
        if (const Columns* columns = find(table)) {
            fixed.rows = columns->rows(*words.begin());
            std::size_t number = 0;
            for (const char* word : words) {
                fixed.words[number++] = columns->get<std::uint32_t>(word, fixed.rows);
            }
        }
        return fixed;
    }

    writing::NameColumn names(const char* table, const Columns& columns, std::size_t rows) const {
        const auto found = strings_.find(table);
        return {columns.find<std::uint32_t>("name_off", rows),
                found == strings_.end() ? nullptr : &found->second};
    }

    void add_strings(const std::string& table, py::handle source, const BtfPtr& base) {
        if (py::isinstance<Btf>(source)) {
            strings_.emplace(table, source.cast<const Btf&>().strings());
            return;
        }
        buffers_.push_back(py::reinterpret_borrow<py::buffer>(source).request());
        const py::buffer_info& buffer = buffers_.back();
        const Bytes section{static_cast<const std::byte*>(buffer.ptr),
                            static_cast<std::size_t>(buffer.size * buffer.itemsize)};
        strings_.emplace(table, Strings(section, base == nullptr ? nullptr : &base->strings()));
    }

    std::map<std::string, Columns> columns_;
    std::vector<py::buffer_info> buffers_;
    std::map<std::string, Strings> strings_;
};

View add_columns(LockedDraft& locked, const py::dict& tables, const py::dict& strings, const BtfPtr& base) {
    const Tables held(tables, strings, base);
    const writing::TableColumns columns = held.tables();
    return view_of(locked.locked([&](Draft& draft) { return writing::write_columns(columns, draft); }), "I");
}

// Takes over a whole string section. Returns false if there are strings already.
bool adopt_strings(LockedDraft& locked, const py::buffer& section) {
    const py::buffer_info buffer = section.request();
    const Bytes bytes{static_cast<const std::byte*>(buffer.ptr),
                      static_cast<std::size_t>(buffer.size * buffer.itemsize)};
    return locked.locked([&](Draft& draft) {
        const bool unused = draft.strings().unused();
        if (unused) {
            draft.strings().adopt(bytes);
        }
        return unused;
    });
}

File build(LockedDraft& locked, const std::string& name) {
    return locked.locked([&](Draft& draft) { return file_of(draft.build(), name); });
}

py::tuple reorder(const BtfPtr& btf, const py::object& order, const std::string& name) {
    const auto ids = to_integers(order);
    auto [file, new_ids] = [&] {
        const py::gil_scoped_release unlocked;
        writing::Rewritten made = writing::reorder(btf, ids);
        return std::make_pair(file_of(std::move(made.bytes), name), std::move(made.ids));
    }();
    return py::make_tuple(file, view_of(std::move(new_ids), "I"));
}

View name_order(const Btf& btf) {
    const py::gil_scoped_release unlocked;
    return view_of(writing::name_order(btf), "q");
}

File swap_bytes(const Btf& btf, bool big_endian, const BtfPtr& base, const std::string& name) {
    const py::gil_scoped_release unlocked;
    return file_of(writing::swap_bytes(btf, order_of(big_endian), base), name);
}

// Returns the distilled base, the split BTF on it, and the new IDs.
py::tuple distill(const BtfPtr& btf, const std::string& base_name, const std::string& name) {
    writing::Distilled made = [&] {
        const py::gil_scoped_release unlocked;
        return writing::distill(btf);
    }();
    return py::make_tuple(file_of(std::move(made.base), base_name), file_of(std::move(made.split), name),
                          view_of(std::move(made.ids), "I"));
}

py::tuple merge(const std::vector<BtfPtr>& btfs, bool big_endian, const std::string& name) {
    writing::Merged made = [&] {
        const py::gil_scoped_release unlocked;
        return writing::merge({btfs.begin(), btfs.end()}, order_of(big_endian));
    }();
    py::list maps;
    for (writing::IdMap& ids : made.ids) {
        maps.append(view_of(std::move(ids), "I"));
    }
    return py::make_tuple(file_of(std::move(made.bytes), name), maps);
}

// Writes what all relocations of some outcomes need of their target.
File min_core(const Outcomes& outcomes, bool big_endian, const std::string& name) {
    const py::gil_scoped_release unlocked;
    writing::CoreMarks marks(outcomes.target->btf(0));
    for (std::size_t number = 0; number != outcomes.objects.size(); ++number) {
        const core_relo::Object& object = *outcomes.objects[number];
        const auto first = outcomes.all.begin() + static_cast<std::ptrdiff_t>(outcomes.starts[number]);
        const auto count = static_cast<std::ptrdiff_t>(object.relocations().size());
        marks.add(object, *outcomes.target, {first, first + count});
    }
    return file_of(marks.write(order_of(big_endian)), name);
}

}  // namespace

void register_writing(py::module_& module) {
    py::class_<LockedDraft>(module, "Draft", "A BTF that is being written.")
        .def(py::init<bool, const BtfPtr&, bool>(), py::arg("big_endian"), py::arg("base"), py::arg("layout"))
        .def_property_readonly(
            "next_id",
            [](LockedDraft& locked) { return locked.locked([](Draft& draft) { return draft.next_id(); }); })
        .def("add", add, py::arg("kind"), py::arg("name"), py::arg("flag"), py::arg("vlen"),
             py::arg("size_or_type"), py::arg("rest"))
        .def("add_types", add_types, py::arg("btf"), py::arg("type_ids"), py::arg("closure"))
        .def("ids_of", ids_of, py::arg("btf"))
        .def("add_columns", add_columns, py::arg("tables"), py::arg("strings"), py::arg("base"))
        .def("adopt_strings", adopt_strings, py::arg("section"))
        .def("build", build, py::arg("name"));
    module.def("distill", distill, py::arg("btf"), py::arg("base_name"), py::arg("name"));
    module.def("merge", merge, py::arg("btfs"), py::arg("big_endian"), py::arg("name"));
    module.def("min_core", min_core, py::arg("outcomes"), py::arg("big_endian"), py::arg("name"));
    module.def("reorder", reorder, py::arg("btf"), py::arg("order"), py::arg("name"));
    module.def("name_order", name_order, py::arg("btf"));
    module.def("swap_bytes", swap_bytes, py::arg("btf"), py::arg("big_endian"), py::arg("base"),
               py::arg("name"));
}

}  // namespace btfmmap::bindings
