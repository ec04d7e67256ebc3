from services.staffing.app import main

main()
