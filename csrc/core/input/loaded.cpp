#include "core/input/loaded.hpp"

#include "core/base/error.hpp"

#ifdef __linux__

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace btfmmap {

namespace {

// From the kernel's include/uapi/linux/bpf.h. Repeated here, because an installed header may be older.
enum Command { kObjGetInfoByFd = 15, kBtfGetFdById = 19, kBtfGetNextId = 23 };

struct IdAttributes {
    std::uint32_t id;
    std::uint32_t next_id;
    std::uint32_t open_flags;
};

struct InfoAttributes {
    std::uint32_t fd;
    std::uint32_t info_size;
    std::uint64_t info;
};

struct BtfInfo {
    std::uint64_t btf;
    std::uint32_t btf_size;
    std::uint32_t id;
    std::uint64_t name;
    std::uint32_t name_size;
    std::uint32_t kernel_btf;
};

std::uint64_t address_of(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

template <class Attributes>
int bpf(Command command, Attributes& attributes, const char* name) {
    const long result = ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
    if (result < 0) {
        throw Error::system(errno, name);
    }
    return static_cast<int>(result);
}

class Descriptor {
public:
    explicit Descriptor(std::uint32_t id) {
        IdAttributes attributes{id, 0, 0};
        fd_ = bpf(kBtfGetFdById, attributes, "bpf(BPF_BTF_GET_FD_BY_ID)");
    }
    ~Descriptor() { ::close(fd_); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;

    void get(BtfInfo& info) const {
        InfoAttributes attributes{static_cast<std::uint32_t>(fd_), sizeof info, address_of(&info)};
        bpf(kObjGetInfoByFd, attributes, "bpf(BPF_OBJ_GET_INFO_BY_FD)");
    }

private:
    int fd_;
};

}  // namespace

LoadedBtf loaded_btf(std::uint32_t id) {
    char name[64] = {};  // the kernel's MODULE_NAME_LEN is 56
    BtfInfo info{};
    info.name = address_of(name);
    info.name_size = sizeof name;
    Descriptor(id).get(info);
    return {info.id, info.btf_size, info.kernel_btf != 0, name};
}

std::vector<LoadedBtf> loaded_btfs() {
    std::vector<LoadedBtf> all;
    IdAttributes attributes{0, 0, 0};
    for (;;) {
        try {
            bpf(kBtfGetNextId, attributes, "bpf(BPF_BTF_GET_NEXT_ID)");
        } catch (const Error& error) {
            if (error.code == ENOENT) {
                return all;
            }
            throw;
        }
        attributes.id = attributes.next_id;
        try {
            all.push_back(loaded_btf(attributes.id));
        } catch (const Error& error) {
            if (error.code != ENOENT) {
                throw;
            }
            // The object was unloaded meanwhile.
        }
    }
}

Mapping read_loaded_btf(std::uint32_t id) {
    const Descriptor descriptor(id);
    BtfInfo info{};
    descriptor.get(info);
    const std::uint32_t size = info.btf_size;
    const std::shared_ptr<std::byte> data(new std::byte[size], std::default_delete<std::byte[]>());
    info = {};
    info.btf = address_of(data.get());
    info.btf_size = size;
    descriptor.get(info);
    return {data, size, How::read};
}

}  // namespace btfmmap

#else

namespace btfmmap {

namespace {
Error unavailable() { return Error::not_supported("BTF objects in the kernel: only Linux has bpf(2)"); }
}  // namespace

LoadedBtf loaded_btf(std::uint32_t) { throw unavailable(); }
std::vector<LoadedBtf> loaded_btfs() { throw unavailable(); }
Mapping read_loaded_btf(std::uint32_t) { throw unavailable(); }

}  // namespace btfmmap

#endif
