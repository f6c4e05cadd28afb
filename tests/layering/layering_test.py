#!/usr/bin/env python3
"""The layering check notices what it is there to notice."""

import pathlib
import tempfile
import unittest

import layering

FLOORS = """
# nimbus_folder(comment USES nothing)
nimbus_folder(base USES LIBS fmt)
nimbus_folder(net USES base LIBS ssl)
nimbus_folder(engine USES base
              RUST LIBS crypto)
"""


class LayeringTest(unittest.TestCase):
    def problems(self, files, floors=FLOORS):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {"CMakeLists.txt": floors, **files}.items():
                path = root / "src" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return layering.check(root)

    def test_reads_floors(self):
        self.assertEqual(layering.read_floors(FLOORS),
                         {"base": set(), "net": {"base"}, "engine": {"base", "rust"}})

    def test_accepts_includes_of_lower_floors(self):
        self.assertEqual([], self.problems({
            "base/a.h": "#pragma once\n#include <string>\n",
            "net/b.cc": '#include "base/a.h"\n#include "net/b.h"\n#include <boost/asio/ip/tcp.hpp>',
            "engine/c.cc": '#include "rust/engine.h"\n',
        }))

    def test_refuses_an_include_upwards(self):
        self.assertEqual(["src/base/a.cc:2: base must not include net/b.h: net is not in its USES"],
                         self.problems({"base/a.cc": '\n#include "net/b.h"\n'}))

    def test_refuses_an_include_beside(self):
        [problem] = self.problems({"engine/a.cc": '#include "net/b.h"\n'})
        self.assertIn("net is not in its USES", problem)

    def test_accepts_rooms_that_use_each_other_one_way(self):
        self.assertEqual([], self.problems({
            "net/low/a.h": "#pragma once\n",
            "net/high/b.cc": '#include "net/low/a.h"\n',
            "net/low/a_test.cc": '#include "net/high/b.h"\n',
            "net/high/b.h": "#pragma once\n",
        }))

    def test_refuses_circles_of_rooms(self):
        problems = self.problems({
            "net/low/a.h": '#pragma once\n#include "net/middle/b.h"\n',
            "net/middle/b.h": '#pragma once\n#include "net/high/c.h"\n',
            "net/high/c.h": '#pragma once\n#include "net/low/a.h"\n',
            "net/top/d.cc": '#include "net/high/c.h"\n',
        })
        self.assertIn("src/net/low/a.h: net/low uses net/middle, in a circle of rooms", problems)
        self.assertEqual(3, len(problems))

    def test_refuses_the_rust_headers_without_rust(self):
        [problem] = self.problems({"net/a.cc": '#include "rust/engine.h"\n'})
        self.assertIn("rust is not in its USES", problem)

    def test_refuses_asio_outside_net(self):
        [problem] = self.problems({"engine/a.cc": "#include <boost/asio.hpp>\n"})
        self.assertIn("only net may include Asio", problem)

    def test_refuses_expensive_libraries_in_headers_that_others_include(self):
        for library in ("spdlog/logger.h", "openssl/ssl.h", "boost/json.hpp", "yaml-cpp/yaml.h"):
            [problem] = self.problems({
                "base/a.h": f"#pragma once\n#include <{library}>\n",
                "net/b.cc": '#include "base/a.h"\n',
            })
            self.assertIn("base/a.h:2: other folders see this header", problem)

    def test_follows_headers_that_others_include_through_headers(self):
        [problem] = self.problems({
            "base/inner.h": "#pragma once\n#include <openssl/ssl.h>\n",
            "base/outer.h": '#pragma once\n#include "base/inner.h"\n',
            "net/b.cc": '#include "base/outer.h"\n',
        })
        self.assertIn("base/inner.h:2:", problem)

    def test_lets_headers_of_one_folder_include_them(self):
        self.assertEqual([], self.problems({
            "net/a.h": "#pragma once\n#include <boost/asio.hpp>\n",
            "net/a.cc": '#include "net/a.h"\n',
        }))

    def test_wants_pragma_once(self):
        [problem] = self.problems({"base/a.h": "int a();\n"})
        self.assertIn("#pragma once", problem)

    def test_wants_a_floor_for_each_folder(self):
        [problem] = self.problems({"attic/a.cc": "int a;\n"})
        self.assertIn("attic has no floor", problem)

    def test_refuses_a_cycle_of_floors(self):
        [problem] = self.problems({}, "nimbus_folder(a USES b)\nnimbus_folder(b USES)\n")
        self.assertIn("a uses b", problem)


if __name__ == "__main__":
    unittest.main()
