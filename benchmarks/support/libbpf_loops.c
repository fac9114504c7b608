/* Loops over libbpf's functions, so that a caller's own cost a call is not counted as libbpf's. */

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

typedef int find_by_name(const void *btf, const char *name);
typedef int find_by_name_kind(const void *btf, const char *name, unsigned kind);

/* How many of the names are found. */
int find_each(find_by_name *find, const void *btf, const char *const *names, int count)
{
	int found = 0;

	for (int i = 0; i < count; ++i)
		found += find(btf, names[i]) >= 0;
	return found;
}

int find_each_kind(find_by_name_kind *find, const void *btf, const char *const *names, const unsigned *kinds,
		   int count)
{
	int found = 0;

	for (int i = 0; i < count; ++i)
		found += find(btf, names[i], kinds[i]) >= 0;
	return found;
}

/* libbpf's struct btf_dump_type_data_opts. */
struct type_data_opts {
	size_t sz;
	const char *indent_str;
	int indent_level;
	_Bool compact;
	_Bool skip_names;
	_Bool emit_zeroes;
	_Bool emit_strings;
};
typedef int dump_type_data(void *dump, unsigned id, const void *data, size_t size, const struct type_data_opts *opts);

/* A callback for btf_dump__new: formats the text, as each user of libbpf does, and counts its bytes. */
void count_text(void *count, const char *format, va_list args)
{
	char text[512];

	*(size_t *)count += vsnprintf(text, sizeof(text), format, args);
}

/* Formats records of a size that follow one another, several times. Returns libbpf's last result. */
int format_each(dump_type_data *format, void *dump, unsigned id, const char *data, size_t size, size_t records, int times,
		_Bool compact, _Bool emit_zeroes)
{
	struct type_data_opts opts = { .sz = sizeof(opts), .compact = compact, .emit_zeroes = emit_zeroes };
	int result = 0;

	while (times--)
		for (size_t i = 0; i < records; ++i)
			result = format(dump, id, data + i * size, size, &opts);
	return result;
}
