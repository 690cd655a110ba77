// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <fmt/format.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>

#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <proximal/text/record_file.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace proximal::arrow {

/// One value of an Arrow array as JSON: texts, numbers, booleans, lists, structs and maps (as lists of {key, value}),
/// dictionaries as what they stand for, null; any other kind (dates, times, decimals) as the text that Arrow prints.
inline nlohmann::json json_value(::arrow::Array const& array, std::int64_t i) {
    using ::arrow::Type;
    if (array.IsNull(i)) return nullptr;
    auto const value = [&]<class Kind>(Kind const*) { return static_cast<Kind const&>(array).Value(i); };
    auto const text = [&]<class Kind>(Kind const*) { return std::string(static_cast<Kind const&>(array).GetView(i)); };
    auto const list = [&]<class Kind>(Kind const*) {
        auto const& lists = static_cast<Kind const&>(array);
        auto all = nlohmann::json::array();
        for (std::int64_t k = lists.value_offset(i), end = k + lists.value_length(i); k < end; ++k)
            all.push_back(json_value(*lists.values(), k));
        return all;
    };
    switch (array.type_id()) {
        case Type::NA:
            return nullptr;
        case Type::STRING:
            return text(static_cast<::arrow::StringArray*>(nullptr));
        case Type::LARGE_STRING:
            return text(static_cast<::arrow::LargeStringArray*>(nullptr));
        case Type::STRING_VIEW:
            return text(static_cast<::arrow::StringViewArray*>(nullptr));
        case Type::BOOL:
            return value(static_cast<::arrow::BooleanArray*>(nullptr));
        case Type::INT8:
            return value(static_cast<::arrow::Int8Array*>(nullptr));
        case Type::INT16:
            return value(static_cast<::arrow::Int16Array*>(nullptr));
        case Type::INT32:
            return value(static_cast<::arrow::Int32Array*>(nullptr));
        case Type::INT64:
            return value(static_cast<::arrow::Int64Array*>(nullptr));
        case Type::UINT8:
            return value(static_cast<::arrow::UInt8Array*>(nullptr));
        case Type::UINT16:
            return value(static_cast<::arrow::UInt16Array*>(nullptr));
        case Type::UINT32:
            return value(static_cast<::arrow::UInt32Array*>(nullptr));
        case Type::UINT64:
            return value(static_cast<::arrow::UInt64Array*>(nullptr));
        case Type::FLOAT:
            return value(static_cast<::arrow::FloatArray*>(nullptr));
        case Type::DOUBLE:
            return value(static_cast<::arrow::DoubleArray*>(nullptr));
        case Type::LIST:
        case Type::MAP:
            return list(static_cast<::arrow::ListArray*>(nullptr));
        case Type::LARGE_LIST:
            return list(static_cast<::arrow::LargeListArray*>(nullptr));
        case Type::FIXED_SIZE_LIST:
            return list(static_cast<::arrow::FixedSizeListArray*>(nullptr));
        case Type::STRUCT: {
            auto const& fields = static_cast<::arrow::StructArray const&>(array);
            auto object = nlohmann::json::object();
            for (int k = 0; k < fields.num_fields(); ++k)
                object[fields.struct_type()->field(k)->name()] = json_value(*fields.field(k), i);
            return object;
        }
        case Type::DICTIONARY: {
            auto const& coded = static_cast<::arrow::DictionaryArray const&>(array);
            return json_value(*coded.dictionary(), coded.GetValueIndex(i));
        }
        default: {
            auto const scalar = array.GetScalar(i);
            if (!scalar.ok()) throw std::invalid_argument(scalar.status().message());
            return (*scalar)->ToString();
        }
    }
}

/// Reads a Parquet file's rows as records. Throws std::runtime_error, naming the file, where it is cut short or
/// damaged.
inline text::record_table read_parquet(std::filesystem::path const& path) {
    auto const refuse = [&](std::string const& why) {
        auto const line = why.substr(0, why.find('\n'));
        throw std::runtime_error(
            fmt::format("{} is no whole Parquet file; fetch or write it again (Arrow says: {})", path.string(), line));
    };
    std::shared_ptr<::arrow::Table> table;
    try {
        auto file = ::arrow::io::ReadableFile::Open(path.string());
        if (!file.ok()) refuse(file.status().message());
        auto reader = ::parquet::arrow::OpenFile(*file, ::arrow::default_memory_pool());
        if (!reader.ok()) refuse(reader.status().message());
        auto read = (*reader)->ReadTable();
        if (!read.ok()) refuse(read.status().message());
        table = *read;
        if (auto const valid = table->ValidateFull(); !valid.ok()) refuse(valid.message());
    } catch (::parquet::ParquetException const& error) {
        refuse(error.what());
    }
    text::record_table records;
    records.sources = {{path, "row"}};
    records.records.assign(static_cast<std::size_t>(table->num_rows()), nlohmann::json::object());
    for (std::size_t i = 0; i < records.records.size(); ++i) records.lines.push_back(i + 1);
    for (int column = 0; column < table->num_columns(); ++column) {
        auto const name = table->field(column)->name();
        std::size_t row = 0;
        for (auto const& chunk : table->column(column)->chunks())
            for (std::int64_t i = 0; i < chunk->length(); ++i) records.records[row++][name] = json_value(*chunk, i);
    }
    return records;
}

/// Parquet, for text::read_records: told by a file's first bytes, or by its name where these are damaged.
inline text::record_format parquet_format() {
    return {"Parquet",
            [](std::string_view start, std::filesystem::path const& path) {
                return start.starts_with("PAR1") || path.extension() == ".parquet";
            },
            read_parquet};
}

}  // namespace proximal::arrow
