// Source of sample.btf, the small BTF included in the package. `make sample` builds it on any machine:
// clang's BPF target emits every kind that a C program can have.

#define tag(text) __attribute__((btf_decl_tag(text)))
#define type_tag(text) __attribute__((btf_type_tag(text)))
#define section(name) __attribute__((section(name), used))

typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef _Bool bool;

enum verdict { DENY = -1, PASS = 0, ALLOW = 1 };
enum limit { LIMIT_NONE = 0ULL, LIMIT_MOST = 0xffffffffffffffffULL };

struct opaque;

struct list {
    struct list *next, *prev;
};

union address {
    unsigned char bytes[16];
    __u32 words[4];
};

struct flow {
    struct list link;
    union address from, to;
    __u32 protocol : 8, is_reply : 1, priority : 3;
    bool seen;
    enum verdict verdict;
    enum limit limit;
    union {
        __u64 packets;
        double rate;
    };
    const char *restrict name;
    volatile int users tag("counted");
    int type_tag("user") * from_user;
    struct opaque *owner;
    int (*decide)(struct flow *flow, const void *data, ...);
    char tail[];
};

static volatile int decisions section(".data.counters") = 0;
struct flow *latest section(".data.flows") = 0;
extern __u64 now(void) section(".ksyms");

static __attribute__((noinline)) enum verdict judge(struct flow *flow tag("not null"), long size) {
    decisions += flow->users;
    return size > 0 ? flow->verdict : DENY;
}

int decide(struct flow *flow, long size) section("classifier");
int decide(struct flow *flow, long size) {
    latest = flow;
    flow->packets = now();
    return judge(flow, size);
}
