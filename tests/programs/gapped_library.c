/*
 * A small shared library with something in every section.  Linked with
 * -Wl,-z,max-page-size=0x200000 its segments lie 2 MiB apart, and the loader
 * leaves inaccessible holes between them.
 */
const char gapped_constant[5000] = "constant";
int gapped_data[2000] = {1};
int gapped_zero[9000];
const char *const gapped_relocated[] = {gapped_constant, gapped_constant + 1};
__thread int gapped_thread_local = 7;

int gapped_function(int index)
{
    return gapped_data[index] + gapped_zero[index] + gapped_thread_local + *gapped_relocated[index % 2];
}
