module example.com/{{project-name}}

go 1.24
