#pragma once

#include "core/base/bytes.hpp"
#include "core/format/header.hpp"
#include "core/format/shapes.hpp"
#include "core/index/readable_records.hpp"
#include "core/names/known_identifiers.hpp"
#include "core/names/strings.hpp"

namespace btfmmap {

// What can be read of a BTF, whether it is valid or not.
struct ReadableBtf {
    // The parts of the base of a split BTF, which must outlive this object; nullptr for standalone BTF.
    struct Base {
        const FileShapes* shapes = nullptr;
        const Index* index = nullptr;
        const Strings* strings = nullptr;
    };

    // The sections must be inside the blob. It must outlive this object.
    ReadableBtf(Bytes blob, const Header& header, ByteOrder order, const Base& base)
        : shapes(header.layout(blob), base.shapes),
          records(header.types(blob), order, shapes.get(), base.index, header.type_start()),
          strings(header.strings(blob), base.strings),
          identifiers(strings) {}
    ReadableBtf(const ReadableBtf&) = delete;
    ReadableBtf& operator=(const ReadableBtf&) = delete;

    FileShapes shapes;
    ReadableRecords records;
    Strings strings;
    KnownIdentifiers identifiers;
};

}  // namespace btfmmap
