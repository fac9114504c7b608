/* Loops over libbpf's functions, so that a caller's own cost a call is not counted as libbpf's. */

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
