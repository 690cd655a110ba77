// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <proximal/run/write_report.hpp>

#include "../support/temporary_folder.hpp"

using namespace proximal::run;

TEST_CASE("write_report: a page of an old run that wrote metrics alone, and one of its samples where there are any") {
    support::temporary_folder const folder;
    CHECK_THROWS_AS(write_report(folder.path), std::invalid_argument);
    std::ofstream(folder.path / "metrics.jsonl") << R"({"update":1,"objective/kl":0.5,"episode":8})"
                                                    "\n";
    write_report(folder.path);
    CHECK(std::filesystem::exists(folder.path / "report.html"));
    CHECK_FALSE(std::filesystem::exists(folder.path / "samples.html"));
    std::ofstream(folder.path / "samples.jsonl") << R"({"update":1,"query":"q","response":"r","score":1})"
                                                    "\n";
    write_report(folder.path);
    CHECK(std::filesystem::exists(folder.path / "samples.html"));
}

TEST_CASE("write_report: a browser draws both pages, and none of their scripts complains") {
    if (std::system("command -v chromium > /dev/null 2>&1") != 0) {
        WARN("chromium is missing: the pages were not opened");
        return;
    }
    support::temporary_folder const folder;
    std::ofstream(folder.path / "metrics.jsonl")
        << R"({"update":1,"objective/kl":0.5,"lr":1e-5,"time/update":1,"episode":8})"
           "\n"
        << R"({"update":2,"objective/kl":null,"lr":9e-6,"time/update":1,"episode":16})"
           "\n";
    std::ofstream(folder.path / "samples.jsonl")
        << R"({"update":1,"query":"</script>","response":"<i>r</i>","score":null})"
           "\n";
    std::ofstream(folder.path / "config_ppo.json") << R"({"seed":42})";
    write_report(folder.path);
    auto const opened = [&](std::string const& page) {
        auto const command =
            "cd " + folder.path.string() + " && HOME=. timeout 120 chromium --headless=new --no-sandbox " +
            "--disable-gpu --enable-logging=stderr --virtual-time-budget=30000 --dump-dom file://$PWD/" + page +
            " > dom 2> errors";
        bool const ran = std::system(command.c_str()) == 0;
        auto const text = [&](char const* name) {
            std::ifstream in(folder.path / name, std::ios::binary);
            return std::string(std::istreambuf_iterator<char>(in), {});
        };
        INFO(text("errors"));
        CHECK(ran);
        CHECK(text("errors").find("CONSOLE") == std::string::npos);
        return text("dom");
    };
    auto report = opened("report.html");
    // Now and then a headless browser gives the page before its script ran.
    for (int again = 0; again < 4 && report.find("<svg viewBox") == std::string::npos; ++again)
        report = opened("report.html");
    std::size_t drawn = 0;
    for (std::size_t at = 0; (at = report.find("<svg viewBox", at)) != std::string::npos; ++at) ++drawn;
    CHECK(drawn == 3);  // objective/kl, lr, time/update
    CHECK(report.find("&lt;i&gt;r&lt;/i&gt;") != std::string::npos);
    auto const samples = opened("samples.html");
    CHECK(samples.find("1 of 1 samples") != std::string::npos);
    CHECK(samples.find("<td class=\"text\" data-name=\"response\">&lt;i&gt;r&lt;/i&gt;</td>") != std::string::npos);
}
