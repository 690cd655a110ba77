// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <proximal/run/samples_page.hpp>

using namespace proximal::run;

TEST_CASE("samples_page: all samples, known columns first, no text is markup") {
    recorded_run run;
    run.folder = "/runs/<tiny>";
    run.samples = {{{"update", 1}, {"episode", 8}, {"judge", "x"}, {"query", "</script><img>"}, {"response", "r"}},
                   {{"update", 2}, {"episode", 16}, {"query", "q"}, {"response", "r"}, {"score", 1.5}},
                   {{"query", "of no update"}}};
    auto const page = samples_page(run);
    CHECK(page.find("<img") == std::string::npos);
    CHECK(page.find("<tiny>") == std::string::npos);
    std::string const begin = "<script type=\"application/json\" id=\"data\">";
    auto const at = page.find(begin) + begin.size();
    auto const data = nlohmann::ordered_json::parse(page.substr(at, page.find("</script>", at) - at));
    CHECK(data["columns"].dump() == R"(["update","query","response","score","judge"])");
    CHECK(data["samples"].size() == 2);
    CHECK(data["samples"][0]["query"] == "</script><img>");
}
