/* dbt/tuning.h - switches and thresholds of the translator; the rows are in tuning.def. */
#ifndef DBT_TUNING_H
#define DBT_TUNING_H

#include <stdbool.h>
#include <stdint.h>

struct dbt_tuning {
#define FLAG(field, word, otherwise, help) bool field;
#define NUMBER(field, word, otherwise, first, last, help) uint32_t field;
#include "dbt/tuning.def"
#undef FLAG
#undef NUMBER
};

/* What holds when nothing is said. */
static inline struct dbt_tuning dbt_tuning_default(void)
{
    return (struct dbt_tuning){
#define FLAG(field, word, otherwise, help) .field = otherwise,
#define NUMBER(field, word, otherwise, first, last, help) .field = otherwise,
#include "dbt/tuning.def"
#undef FLAG
#undef NUMBER
    };
}

#endif
