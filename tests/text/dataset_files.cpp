// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/text/dataset_files.hpp>

#include "../support/fake_machine.hpp"

using namespace proximal::text;
using Catch::Contains;

namespace {
// The names, within a folder, of the files of a dataset's splits.
struct found_names {
    std::vector<std::string> train, test;
    bool operator==(found_names const&) const = default;
};
found_names found_in(std::filesystem::path const& folder, split_names const& names = {}) {
    auto const found = find_dataset(folder.string(), names);
    auto const relative = [&](auto const& files) {
        std::vector<std::string> all;
        for (auto const& file : files) all.push_back(file.lexically_relative(folder).string());
        return all;
    };
    return {relative(found.train), relative(found.test)};
}
void touch_all(std::filesystem::path const& folder, std::vector<std::string> const& names) {
    std::filesystem::remove_all(folder);
    for (auto const& name : names) support::write(folder / name, "{}\n");
}
}  // namespace

TEST_CASE("dataset_files: splits by folder, by shard and by the words of a file's name") {
    support::temporary_folder const place;
    auto const folder = place.path / "data set";
    auto const of = [&](std::vector<std::string> const& names) {
        touch_all(folder, names);
        return found_in(folder);
    };
    CHECK(of({"train.jsonl", "validation.jsonl", "test.jsonl"}) == found_names{{"train.jsonl"}, {"validation.jsonl"}});
    CHECK(of({"train.csv.gz", "test.csv.gz"}) == found_names{{"train.csv.gz"}, {"test.csv.gz"}});
    CHECK(of({"data/train-00001-of-00002.parquet", "data/train-00000-of-00002.parquet",
              "data/validation-00000-of-00001-0123456789abcdef.parquet", "dataset_infos.json", ".cache/train.json",
              "README.md"}) == found_names{{"data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"},
                                           {"data/validation-00000-of-00001-0123456789abcdef.parquet"}});
    CHECK(of({"train/0.jsonl", "train/1.jsonl", "valid/0.jsonl"}) ==
          found_names{{"train/0.jsonl", "train/1.jsonl"}, {"valid/0.jsonl"}});
    CHECK(of({"default/train/0000.parquet", "default/test/0000.parquet"}) ==
          found_names{{"default/train/0000.parquet"}, {"default/test/0000.parquet"}});
    CHECK(of({"tldr_train.json", "tldr_dev_1.json"}) == found_names{{"tldr_train.json"}, {"tldr_dev_1.json"}});
    CHECK(of({"prompts.jsonl"}) == found_names{{"prompts.jsonl"}, {}});
    CHECK(of({"train.jsonl"}) == found_names{{"train.jsonl"}, {}});
}

TEST_CASE("dataset_files: splits that are asked for by name") {
    support::temporary_folder const place;
    auto const folder = place.path / "d";
    touch_all(folder, {"data/train_sft-00000-of-00001.json", "data/test_sft-00000-of-00001.json",
                       "data/train_gen-00000-of-00001.json"});
    CHECK(found_in(folder, {"train_sft", "test_sft"}) ==
          found_names{{"data/train_sft-00000-of-00001.json"}, {"data/test_sft-00000-of-00001.json"}});
    CHECK(found_in(folder, {"train_gen", {}}) == found_names{{"data/train_gen-00000-of-00001.json"}, {}});
    CHECK_THROWS_WITH(found_in(folder), Contains("has no split \"train\"; it has test_sft, train_gen, train_sft: give "
                                                 "one in --dataset_train_split"));
    CHECK_THROWS_WITH(found_in(folder, {"train_sft", "validation"}),
                      Contains("has no split \"validation\"") && Contains("--dataset_test_split"));
    CHECK_THROWS_WITH(found_in(folder, {"train_sft", "train_sft"}), Contains("cannot train on its split"));
    touch_all(folder, {"train.jsonl", "dev.jsonl", "test.jsonl"});
    CHECK(found_in(folder, {"train", "test"}) == found_names{{"train.jsonl"}, {"test.jsonl"}});
    CHECK(found_in(folder, {"train", "validation"}) == found_names{{"train.jsonl"}, {"dev.jsonl"}});
    CHECK(found_in(folder, {"validation", {}}) == found_names{{"dev.jsonl"}, {"test.jsonl"}});
    auto const file = (folder / "train.jsonl").string();
    CHECK(find_dataset(file).train == std::vector<std::filesystem::path>{file});
    CHECK_THROWS_WITH(find_dataset(file, {"train", "test"}), Contains("is one file and has no split \"test\""));
}

TEST_CASE("dataset_files: the patterns of a dataset's card come before names") {
    support::temporary_folder const place;
    auto const folder = place.path / "d";
    touch_all(folder, {"a/x.jsonl", "a/y.jsonl", "b/deep/z.jsonl", "train.jsonl"});
    auto const card = [&](std::string const& yaml) {
        support::write(folder / "README.md", "---\nlicense: mit\n" + yaml + "---\n# A card\n");
        return found_in(folder);
    };
    CHECK(card("configs:\n- config_name: default\n  data_files:\n  - split: train\n    path: a/*\n"
               "  - split: test\n    path: [b/**]\n") == found_names{{"a/x.jsonl", "a/y.jsonl"}, {"b/deep/z.jsonl"}});
    CHECK(card("configs:\n- config_name: one\n  data_files: a/[xw].jsonl\n") == found_names{{"a/x.jsonl"}, {}});
    CHECK(card("configs:\n- config_name: one\n  data_files: a/x.jsonl\n- config_name: two\n  default: true\n"
               "  data_files: a/y.jsonl\n") == found_names{{"a/y.jsonl"}, {}});
    CHECK_THROWS_WITH(card("configs:\n- config_name: one\n  data_files: a/x.jsonl\n- config_name: two\n"
                           "  data_files: a/y.jsonl\n"),
                      Contains("has the configurations one, two and none is the default"));
    touch_all(folder, {"train.jsonl", "test.jsonl"});
    CHECK(card("configs: [broken\n") == found_names{{"train.jsonl"}, {"test.jsonl"}});
    CHECK(card("") == found_names{{"train.jsonl"}, {"test.jsonl"}});
}

TEST_CASE("dataset_files: rows that a dataset's card counts and its files do not hold are told") {
    support::temporary_folder const place;
    auto const folder = place.path / "d";
    touch_all(folder, {"train.jsonl", "dev.jsonl", "test.jsonl"});
    using counts = std::pair<std::optional<std::size_t>, std::optional<std::size_t>>;
    auto const card = [&](std::string const& yaml) {
        support::write(folder / "README.md", "---\n" + yaml + "---\n# A card\n");
        auto const found = find_dataset(folder.string());
        return counts{found.train_rows, found.test_rows};
    };
    std::string const splits =
        "  splits:\n  - name: train\n    num_bytes: 9\n    num_examples: 116722\n"
        "  - name: dev\n    num_examples: 3\n";
    CHECK(card("dataset_info:\n  features: []\n" + splits) == counts{116722, 3});
    CHECK(card("dataset_info:\n- config_name: other\n  splits: []\n- config_name: default\n" + splits) ==
          counts{116722, 3});
    CHECK(card("configs:\n- config_name: one\n  data_files: nothing\n- config_name: two\n  default: true\n"
               "dataset_info:\n- config_name: one\n  splits: []\n- config_name: two\n" +
               splits) == counts{116722, 3});
    CHECK(card("dataset_info:\n- config_name: one\n" + splits) == counts{116722, 3});  // the only one
    for (auto const* silent : {"license: mit\n", "dataset_info: 3\n", "dataset_info:\n  splits: many\n",
                               "dataset_info:\n  splits:\n  - name: train\n    num_examples: some\n", "[broken\n",
                               "3\n", "dataset_info:\n  splits:\n  - name: other\n    num_examples: 3\n"})
        CHECK(card(silent) == counts{});
    CHECK(find_dataset((folder / "train.jsonl").string()).train_rows == std::nullopt);
    CHECK(missing_rows(116722, 100, "d") ==
          "d holds 100 rows and its card says 116722: the files may be incomplete; "
          "fetch them again if all are wanted");
    for (auto const said :
         {std::optional<std::size_t>(100), std::optional<std::size_t>(99), std::optional<std::size_t>()})
        CHECK(missing_rows(said, 100, "d").empty());  // more than the card says is no loss
}

TEST_CASE("dataset_files: folders without data, or with too much, say so") {
    support::temporary_folder const place;
    auto const folder = place.path / "d";
    touch_all(folder, {"README.md", "config.json"});
    CHECK_THROWS_WITH(found_in(folder), Contains("holds no data files: give JSON lines"));
    touch_all(folder, {"dataset_dict.json", "train/data-00000-of-00001.arrow"});
    CHECK_THROWS_WITH(found_in(folder), Contains("save_to_disk"));
    touch_all(folder, {"train.jsonl", "train.csv"});
    CHECK_THROWS_WITH(found_in(folder), Contains("in two formats, train.csv and train.jsonl"));
    touch_all(folder, {"validation.jsonl"});
    CHECK_THROWS_WITH(found_in(folder), Contains("has no split \"train\"; it has validation"));
    CHECK_THROWS_WITH(find_dataset((folder / "no.jsonl").string()), Contains("no.jsonl does not exist; give a file"));
    CHECK_THROWS_WITH(find_dataset("data/none.csv.gz"), Contains("none.csv.gz does not exist"));
}

TEST_CASE("dataset_files: a Hub id is the cache's snapshot, or what hf fetches; half a one is none") {
    support::fake_machine machine;
    auto const repository = machine.hub / "datasets--trl-lib--tldr", snapshot = repository / "snapshots/abc";
    auto const found = [] { return find_dataset("trl-lib/tldr").train.at(0).string(); };
    CHECK_THROWS_WITH(found(), Contains("trl-lib/tldr is no local file or folder and not in the cache") &&
                                   Contains("install the program hf"));
    support::write(repository / "refs/main", "abc");
    support::write(snapshot / "README.md", "# none");
    CHECK_THROWS_WITH(found(), Contains("trl-lib/tldr lacks data files"));
    support::write(snapshot / "data/train-00000-of-00002.jsonl", "{}\n");
    CHECK_THROWS_WITH(found(), Contains("trl-lib/tldr lacks data/train-00001-of-00002.jsonl"));
    support::write(snapshot / "data/train-00001-of-00002.jsonl", "{}\n");
    CHECK(found() == (snapshot / "data/train-00000-of-00002.jsonl").string());
    std::filesystem::create_symlink("../nowhere", snapshot / "test.jsonl");
    CHECK_THROWS_WITH(found(), Contains("lacks test.jsonl"));
    std::filesystem::remove(snapshot / "test.jsonl");
    support::write(repository / "blobs/0f.incomplete", "");
    CHECK_THROWS_WITH(found(), Contains("a file whose download was cut short") && Contains("0f.incomplete"));
    machine.variables.set("HF_HUB_OFFLINE", "1");
    CHECK_THROWS_WITH(found(), Contains("HF_HUB_OFFLINE is set"));
    machine.variables.unset("HF_HUB_OFFLINE");

    auto const fetched = machine.folder.path / "fetched";
    std::filesystem::create_directories(fetched);
    support::write_program(machine.bin / "hf", "echo \"" + fetched.string() + "\"; echo $* > '" +
                                                   (machine.folder.path / "arguments").string() + "'");
    CHECK_THROWS_WITH(found(), Contains("downloaded trl-lib/tldr without data files"));
    support::write(fetched / "train.jsonl", "{}\n");
    CHECK(found() == (fetched / "train.jsonl").string());
    std::string arguments;
    std::getline(std::ifstream(machine.folder.path / "arguments"), arguments);
    CHECK(arguments == "download --repo-type dataset trl-lib/tldr");
    support::write_program(machine.bin / "hf", "exit 3");
    CHECK_THROWS_WITH(found(), Contains("could not download trl-lib/tldr (status 3)"));
}
