from services.partners.mint.app import main

main()
