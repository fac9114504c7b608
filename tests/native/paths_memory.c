/* Objects that lead to one another, and the values that C reads through them. The same source is compiled for
 * both byte orders as data, and as a program that prints the values. */

typedef unsigned char u8;
typedef unsigned long long u64;
enum colour { RED = 3, GREEN = 5, BLUE = 0x7fffffff };
struct list { struct list *next, *prev; };
struct leaf {
	u64 wide;
	short small;
	_Bool yes;
	enum colour colour;
	char name[8];
	unsigned int three : 3;
	int signed_five : 5;
	unsigned long long wide_bits : 41;
	_Bool flag : 1;
	int matrix[2][3];
};
struct holder {
	u64 before;
	struct list link;
	struct leaf *leaf;
	union {
		struct { u8 low, high; };
		unsigned short both;
	};
	struct leaf leaves[2];
	struct leaf *by_number[3];
	struct leaf **table;
	void *opaque;
	struct holder *none;
};
struct top { int number; struct holder *holder; struct list heads[2]; u8 raw[64]; };

extern struct leaf leaf_a, leaf_b;
extern struct holder holder_a, holder_b;
extern struct top top;

struct leaf leaf_a = { 0x123456789abcdef0ULL, -7, 1, RED, "alpha", 5, -9, 0x1ffffffffffULL - 5, 1,
		       { { 1, -2, 3 }, { 4, 5, -6 } } };
struct leaf leaf_b = { 42, 32767, 0, BLUE, "b", 2, 7, 99, 0, { { 10, 20, 30 }, { 40, 50, 60 } } };
struct leaf *leaf_table[4] = { &leaf_b, 0, &leaf_a, &leaf_b };
struct holder holder_a = {
	1, { &holder_b.link, &holder_b.link }, &leaf_a, { .low = 0x12, .high = 0x34 },
	{ { .wide = 7, .small = 8, .three = 6 }, { .wide = 9, .small = -10, .signed_five = -16 } },
	{ &leaf_a, &leaf_b, 0 }, leaf_table, &leaf_b, 0
};
struct holder holder_b = { 2, { &holder_a.link, &top.heads[1] }, &leaf_b, { .both = 7 }, {}, {}, 0, 0, &holder_a };
struct top top = { -1, &holder_a, { { &holder_a.link, 0 }, { &holder_b.link, 0 } }, { 1, 2, 3 } };

#ifdef PROGRAM
int printf(const char *, ...);
#define container_of(p, t, m) ((t *)((char *)(p) - __builtin_offsetof(t, m)))
int main(void)
{
	struct top *ptr = &top;
	(void)ptr;
#define SHOW(expression) printf("%s\t%lld\n", #expression, (long long)(expression));
#include VALUES
	return 0;
}
#endif
