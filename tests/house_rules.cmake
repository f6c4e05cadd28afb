# Format, lint, layers: the rules of scripts/lint.sh as tests, and the tests of the rules.
foreach(rule format clippy layering tidy)
  add_test(NAME lint/${rule} COMMAND ${CMAKE_SOURCE_DIR}/scripts/lint.sh ${rule})
  set_tests_properties(lint/${rule} PROPERTIES LABELS lint TIMEOUT 1200)
endforeach()
nimbus_python_test(layering/rules lint 60 ${CMAKE_CURRENT_SOURCE_DIR}/layering/layering_test.py)
nimbus_python_test(tidy/rules lint 60 ${CMAKE_CURRENT_SOURCE_DIR}/tidy/tidy_test.py)
