// SPDX-License-Identifier: Apache-2.0
#include <arrow/builder.h>
#include <parquet/arrow/writer.h>

#include <catch2/catch.hpp>
#include <proximal/arrow/parquet_records.hpp>

#include "../support/gzip.hpp"
#include "../support/temporary_folder.hpp"
#include "../support/tiny_tokenizer.hpp"

using namespace proximal;
using Catch::Contains;

namespace {
std::shared_ptr<::arrow::Array> finished(::arrow::ArrayBuilder& builder) { return builder.Finish().ValueOrDie(); }

// Two rows: a text, a conversation, a number, a dictionary's word, a moment.
void write_parquet(std::filesystem::path const& path) {
    auto* const pool = ::arrow::default_memory_pool();
    ::arrow::StringBuilder prompt;
    (void)prompt.Append("hello"), (void)prompt.AppendNull();
    ::arrow::Int64Builder number;
    (void)number.Append(-7), (void)number.Append(8);
    auto const message =
        ::arrow::struct_({::arrow::field("role", ::arrow::utf8()), ::arrow::field("content", ::arrow::utf8())});
    auto role = std::make_shared<::arrow::StringBuilder>(), content = std::make_shared<::arrow::StringBuilder>();
    auto turn = std::make_shared<::arrow::StructBuilder>(
        message, pool, std::vector<std::shared_ptr<::arrow::ArrayBuilder>>{role, content});
    ::arrow::ListBuilder messages(pool, turn);
    (void)messages.Append(), (void)turn->Append(), (void)role->Append("user"), (void)content->Append("Q");
    (void)messages.Append();
    ::arrow::StringDictionaryBuilder word;
    (void)word.Append("a"), (void)word.Append("b");
    ::arrow::TimestampBuilder moment(::arrow::timestamp(::arrow::TimeUnit::SECOND), pool);
    (void)moment.Append(0), (void)moment.Append(86400);
    ::arrow::DoubleBuilder score;
    (void)score.Append(0.5), (void)score.AppendNull();
    ::arrow::BooleanBuilder good;
    (void)good.Append(true), (void)good.Append(false);
    std::vector<std::shared_ptr<::arrow::Array>> const arrays{finished(prompt), finished(number), finished(messages),
                                                              finished(word),   finished(moment), finished(score),
                                                              finished(good)};
    std::vector<std::shared_ptr<::arrow::Field>> fields;
    std::vector<std::string> const names{"prompt", "n", "messages", "word", "moment", "score", "good"};
    for (std::size_t i = 0; i < names.size(); ++i) fields.push_back(::arrow::field(names[i], arrays[i]->type()));
    auto const file = ::arrow::io::FileOutputStream::Open(path.string()).ValueOrDie();
    REQUIRE(::parquet::arrow::WriteTable(*::arrow::Table::Make(::arrow::schema(fields), arrays), pool, file, 1).ok());
    REQUIRE(file->Close().ok());
}
}  // namespace

TEST_CASE("parquet_records: texts, numbers, conversations, dictionaries, moments and nulls") {
    support::temporary_folder const folder;
    write_parquet(folder.path / "train.parquet");
    auto const table = text::read_records(folder.path / "train.parquet", {proximal::arrow::parquet_format()});
    REQUIRE(table.records.size() == 2);
    CHECK(table.records[0] == nlohmann::json{{"prompt", "hello"},
                                             {"n", -7},
                                             {"messages", {{{"role", "user"}, {"content", "Q"}}}},
                                             {"word", "a"},
                                             {"moment", "1970-01-01 00:00:00.000"},
                                             {"score", 0.5},
                                             {"good", true}});
    CHECK(table.records[1]["prompt"].is_null());
    CHECK(table.records[1]["messages"] == nlohmann::json::array());
    CHECK((table.records[1]["word"] == "b" && table.records[1]["moment"] == "1970-01-02 00:00:00.000"));
    CHECK(table.place(1) == (folder.path / "train.parquet").string() + " row 2");
}

TEST_CASE("parquet_records: a file that is cut short or damaged is named") {
    support::temporary_folder const folder;
    write_parquet(folder.path / "a.parquet");
    auto const whole = support::read_text(folder.path / "a.parquet");
    auto const of = [&](std::string const& bytes) {
        support::write_bytes(folder.path / "b.parquet", bytes);
        return text::read_records(folder.path / "b.parquet", {proximal::arrow::parquet_format()});
    };
    CHECK(of(whole).records.size() == 2);
    for (std::size_t const size : {std::size_t{0}, std::size_t{4}, whole.size() / 2, whole.size() - 1})
        CHECK_THROWS_WITH(of(whole.substr(0, size)), Contains("b.parquet is no whole Parquet file"));
    CHECK_THROWS_WITH(of("PAR1" + std::string(whole.size() - 8, 'x') + "PAR1"), Contains("no whole Parquet file"));
}
