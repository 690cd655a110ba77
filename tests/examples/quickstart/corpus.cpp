// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "../../../examples/quickstart/load_or_make_corpus.hpp"
#include "../../../examples/quickstart/synopsis_rule.hpp"
#include "../../support/temporary_folder.hpp"

using namespace proximal::quickstart;

namespace {

std::string const packages = R"(Package: alpha
Version: 1
Description: short form
Description-md5: 11
Section: misc

Package: alpha-doc
Source: alpha (1.0)
Description-md5: 12

Package: beta
Description-md5: 13

Package: task-gamma
Description-md5: 14

Package: delta
Description-md5: 15

Package: epsilon
Description-md5: 16
)";

std::string const body =
    " A tool that reads maps of the sky and draws them on paper in any size\n you like, with names of stars and "
    "planets.";

std::string const translations =
    "Package: alpha\nDescription-md5: 11\nDescription-en: draws maps of the sky\n" + body +
    "\n .\n This package contains the program (and more).\n\n" +
    "Package: alpha-doc\nDescription-md5: 12\nDescription-en: manual of the star map drawer\n" + body + "\n\n" +
    "Package: beta\nDescription-md5: 13\nDescription-en: transitional package for alpha\n" + body + "\n\n" +
    "Package: task-gamma\nDescription-md5: 14\nDescription-en: a task that draws maps\n" + body + "\n\n" +
    "Package: delta\nDescription-md5: 99\nDescription-en: of another version of delta\n" + body + "\n\n" +
    "Package: epsilon\nDescription-md5: 16\nDescription-en: counts the sheep   in fields\n Too short.\n";

}  // namespace

TEST_CASE("quickstart: stanzas become examples; siblings, series, dummies and near-duplicates fall out") {
    auto const examples = package_examples({packages}, {translations});
    REQUIRE(examples.size() == 1);
    CHECK(examples[0].source == "alpha");
    CHECK(examples[0].completion == " draws maps of the sky");
    CHECK(examples[0].prompt ==
          "PACKAGE: alpha\nDESCRIPTION: A tool that reads maps of the sky and draws them on paper in any size you "
          "like, with "
          "names of stars and planets.\nTL;DR:");
    CHECK(package_examples({packages}, {}).empty());
}

TEST_CASE("quickstart: long descriptions end with a sentence if a third is filled so, else with a word") {
    CHECK(shortened("One two. Three four five six", 20) == "One two.");
    CHECK(shortened("One. Two three four five six seven", 24) == "One. Two three four five");
    CHECK(shortened("Ünö twö. Three four five six", 20) == "Ünö twö.");
    CHECK(shortened("short", 20) == "short");
    CHECK(letters("A (b c) Dé-f 1") == "a d f");
    CHECK(letters("a(b") == "a b");
}

TEST_CASE("quickstart: the gold rule counts what it says") {
    std::vector<example> train;
    for (int i = 0; i < 5; ++i) train.push_back({"", " fast image viewer with many useful small tools and a gui", ""});
    train.push_back({"", " rare", ""});
    synopsis_rule const gold(train);
    CHECK(gold("fast image viewer") == 3);
    CHECK(gold("a gui and") == 0);  // known, but no content words
    CHECK(gold("Fast, image; VIEWER!") == 3);
    CHECK(gold("fast image image") == 1);                                // one repeat
    CHECK(gold("rare image") == 0);                                      // rare: used once only
    CHECK(gold("qqqq qqqq") == -3);                                      // two unknown words, one repeat
    CHECK(gold("fast image viewer with many useful small tools") == 6);  // at most 6
    CHECK(gold("") == -1);
    CHECK(gold(" ... ") == -1);  // "..." is a word, an unknown one
}

TEST_CASE("quickstart: the generated corpus is a function of the seed, labelled, and no source straddles two parts") {
    auto const c = generated_corpus(7), again = generated_corpus(7);
    CHECK(c.train.size() + c.validation.size() + c.test.size() == 4000);
    CHECK(c.train.size() > 3000);
    CHECK(c.test.size() > 50);
    CHECK(c.validation.size() > 50);
    CHECK(c.train.front().prompt == again.train.front().prompt);
    CHECK(c.train.front().prompt != generated_corpus(8).train.front().prompt);
    CHECK(c.origin.find("GENERATED") != std::string::npos);
    std::map<std::string, int> part_of;
    int part = 0, straddling = 0;
    for (auto const* const list : {&c.train, &c.validation, &c.test}) {
        ++part;
        for (auto const& e : *list) straddling += part_of.emplace(e.source, part).first->second != part;
    }
    CHECK(straddling == 0);
    synopsis_rule const gold(c);
    double sum = 0;
    for (auto const& e : c.test) sum += gold(e.completion);
    CHECK(sum / static_cast<double>(c.test.size()) > 3.0);
}

TEST_CASE("quickstart: a corpus is kept and reused as it was; a broken one is named") {
    support::temporary_folder const folder;
    auto const made = generated_corpus(3);
    save_corpus(made, folder.path / "corpus");
    auto const read = load_or_make_corpus(folder.path);
    CHECK(read.origin == made.origin);
    CHECK(read.train.size() == made.train.size());
    CHECK(read.test.back().completion == made.test.back().completion);
    proximal::io::write_file(folder.path / "corpus/test.jsonl", "{broken\n");
    CHECK_THROWS_WITH(load_or_make_corpus(folder.path),
                      Catch::Contains("is broken") && Catch::Contains("delete that folder"));
}

TEST_CASE("quickstart: without apt-get there is no Debian corpus") {
    support::temporary_folder const folder;
    std::string const path = std::getenv("PATH");
    ::setenv("PATH", folder.path.c_str(), 1);
    CHECK_THROWS_WITH(debian_corpus(folder.path), Catch::Contains("there is no apt-get here"));
    auto const made = load_or_make_corpus(folder.path / "cache");
    ::setenv("PATH", path.c_str(), 1);
    CHECK(made.origin.find("GENERATED") != std::string::npos);
    CHECK(made.origin.find("no apt-get") != std::string::npos);
    CHECK(std::filesystem::exists(folder.path / "cache/corpus/train.jsonl"));
}
