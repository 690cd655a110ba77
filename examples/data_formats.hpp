// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <proximal/text/record_file.hpp>
#include <vector>
#ifdef PROXIMAL_HAS_ARROW
#include <proximal/arrow/parquet_records.hpp>
#endif

namespace examples {

/// The formats that a program reads besides those that always are: Parquet, where it was built with Arrow.
inline std::vector<proximal::text::record_format> data_formats() {
#ifdef PROXIMAL_HAS_ARROW
    return {proximal::arrow::parquet_format()};
#else
    return {};
#endif
}

}  // namespace examples
