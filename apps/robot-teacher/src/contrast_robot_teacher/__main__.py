"""`python -m contrast_robot_teacher WHAT`."""

from contrast_robot_teacher.command import main

main()
